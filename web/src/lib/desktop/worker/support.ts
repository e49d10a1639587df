/** What the control plane's sessions encode to unless their hello says otherwise: level 4.2 of the constrained baseline. */
const usualCodec = 'avc1.42c02a'

const latency = { codec: usualCodec, optimizeForLatency: true } as const

/** The best way this browser has to decode; null: none, and it is shown still pictures. Annex B needs no description. */
export async function decoderConfig(): Promise<VideoDecoderConfig | null> {
  if (typeof VideoDecoder === 'undefined') return null
  for (const hardwareAcceleration of ['prefer-hardware', 'no-preference'] as const) {
    const config: VideoDecoderConfig = { ...latency, hardwareAcceleration }
    const known = await VideoDecoder.isConfigSupported(config).catch(() => null)
    if (known?.supported) return config
  }
  return null
}

export const opus: AudioDecoderConfig = { codec: 'opus', sampleRate: 48_000, numberOfChannels: 2 }

export async function decodesOpus(): Promise<boolean> {
  if (typeof AudioDecoder === 'undefined') return false
  return (await AudioDecoder.isConfigSupported(opus).catch(() => null))?.supported ?? false
}
