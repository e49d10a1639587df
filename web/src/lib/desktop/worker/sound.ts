import type { Audio } from '@helix/contract/stream-down'
import { opus } from './support.ts'

type Samples = { left: Float32Array<ArrayBuffer>; right: Float32Array<ArrayBuffer> }

/** Opus to samples. A decoder that fails begins anew with the next packet: each stands by itself. */
export class Sound {
  private readonly play: (samples: Samples) => void
  private decoder: AudioDecoder | null = null

  constructor(play: (samples: Samples) => void) {
    this.play = play
  }

  packet({ capturedUs, packet }: Audio): void {
    try {
      this.decoder ??= this.opened()
      // A browser that cannot keep up skips instead of running late.
      if (this.decoder.decodeQueueSize < 10)
        this.decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp: capturedUs, data: packet }))
    } catch {
      this.rest()
    }
  }

  rest(): void {
    if (this.decoder !== null && this.decoder.state !== 'closed') this.decoder.close()
    this.decoder = null
  }

  private opened(): AudioDecoder {
    const decoder: AudioDecoder = new AudioDecoder({
      output: (data) => {
        const plane = (planeIndex: number): Float32Array<ArrayBuffer> => {
          const samples = new Float32Array(data.numberOfFrames)
          data.copyTo(samples, { planeIndex: Math.min(planeIndex, data.numberOfChannels - 1), format: 'f32-planar' })
          return samples
        }
        this.play({ left: plane(0), right: plane(1) })
        data.close()
      },
      error: () => {
        if (decoder === this.decoder) this.rest()
      },
    })
    decoder.configure(opus)
    return decoder
  }
}
