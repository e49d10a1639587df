import type { Frame, Still } from '@helix/contract/stream-down'
import { nowUs } from '../clock.ts'

/** Units: milliseconds; frames. */
const askKeyEveryMs = 400
const mostQueued = 24
const errorSpanMs = 30_000
const mostErrors = 5
/** A picture is shown at least this often, however many wait behind it. */
const longestUnpaintedMs = 50

interface Heard {
  /** The frame is off our hands: shown, or left out. */
  decoded(frame: { sequence: number; decodeUs: number; shown: boolean }): void
  painted(picture: { width: number; height: number; capturedUs: number }): void
  needsKey(): void
  decoderFailed(): void
  /** It fails again and again. */
  gaveUp(): void
}
type Waiting = Pick<Frame, 'sequence' | 'capturedUs'> & { arrivedUs: number }

/** Decodes and paints, the newest picture only. A decoder that fails is replaced and goes on from the next key frame. */
export class Picture {
  private readonly heard: Heard
  private readonly context: OffscreenCanvasRenderingContext2D
  private config: VideoDecoderConfig | null
  private decoder: VideoDecoder | null = null
  private keyNeeded = true
  private keyAskedAt = -askKeyEveryMs
  private readonly waiting = new Map<number, Waiting>()
  private errors: number[] = []
  private paintedAt = 0
  private newestStillUs = 0

  constructor(canvas: OffscreenCanvas, config: VideoDecoderConfig | null, heard: Heard) {
    const context = canvas.getContext('2d', { alpha: false, desynchronized: true })
    if (context === null) throw new Error('this browser paints no canvas in a worker')
    this.context = context
    this.config = config
    this.heard = heard
  }

  /** A stream begins; its first frame is a key frame. */
  begin(codec: string): void {
    if (this.config !== null) this.config = { ...this.config, codec }
    this.waiting.clear()
    this.rest()
  }

  /** Holds no decoder until the next frame. */
  rest(): void {
    if (this.decoder !== null && this.decoder.state !== 'closed') this.decoder.close()
    this.decoder = null
    this.keyNeeded = true
    this.keyAskedAt = -askKeyEveryMs
    // The host counts what is under way; of these nothing will come out.
    for (const sequence of this.waiting.keys()) this.heard.decoded({ sequence, decodeUs: 0, shown: false })
    this.waiting.clear()
    this.newestStillUs = 0
  }

  frame(frame: Frame): void {
    const stuck = (this.decoder?.decodeQueueSize ?? 0) >= mostQueued
    if (stuck) this.rest()
    if (stuck || (this.keyNeeded && !frame.key)) this.skip(frame)
    else this.decode(frame)
  }

  private decode(frame: Frame): void {
    const arrivedUs = nowUs()
    try {
      this.decoder ??= this.opened()
      this.waiting.set(frame.sequence, { sequence: frame.sequence, capturedUs: frame.capturedUs, arrivedUs })
      this.decoder.decode(new EncodedVideoChunk({ type: frame.key ? 'key' : 'delta', timestamp: frame.sequence, data: frame.unit }))
      this.keyNeeded = false
    } catch {
      this.failed()
    }
  }

  async still({ jpeg, capturedUs }: Still): Promise<void> {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(jpeg)], { type: 'image/jpeg' })).catch(() => null)
    if (bitmap === null) {
      this.heard.decoderFailed()
      return
    }
    if (capturedUs >= this.newestStillUs) {
      this.newestStillUs = capturedUs
      this.paint(bitmap, bitmap, capturedUs)
    }
    bitmap.close()
  }

  private opened(): VideoDecoder {
    if (this.config === null) throw new Error('there is no decoder')
    const decoder: VideoDecoder = new VideoDecoder({
      output: (video) => this.shown(video),
      error: () => {
        if (decoder === this.decoder) this.failed()
      },
    })
    decoder.configure(this.config)
    return decoder
  }

  private skip({ sequence }: Frame): void {
    this.askKey()
    this.heard.decoded({ sequence, decodeUs: 0, shown: false })
  }

  private askKey(): void {
    const now = performance.now()
    if (now - this.keyAskedAt < askKeyEveryMs) return
    this.keyAskedAt = now
    this.heard.needsKey()
  }

  private shown(video: VideoFrame): void {
    try {
      const waiting = this.waiting.get(video.timestamp)
      this.waiting.delete(video.timestamp)
      const newer = (this.decoder?.decodeQueueSize ?? 0) > 0 && performance.now() - this.paintedAt < longestUnpaintedMs
      if (!newer) this.paint(video, { width: video.displayWidth, height: video.displayHeight }, waiting?.capturedUs ?? 0)
      if (waiting !== undefined)
        this.heard.decoded({ sequence: waiting.sequence, decodeUs: Math.max(0, nowUs() - waiting.arrivedUs), shown: !newer })
    } finally {
      video.close()
    }
  }

  private paint(picture: CanvasImageSource, { width, height }: { width: number; height: number }, capturedUs: number): void {
    const { canvas } = this.context
    // Setting either clears the canvas, so only what differs is set.
    if (canvas.width !== width) canvas.width = width
    if (canvas.height !== height) canvas.height = height
    this.context.drawImage(picture, 0, 0, width, height)
    this.paintedAt = performance.now()
    this.heard.painted({ width, height, capturedUs })
  }

  private failed(): void {
    const now = performance.now()
    this.errors = [...this.errors.filter((at) => now - at < errorSpanMs), now]
    this.rest()
    this.heard.decoderFailed()
    if (this.errors.length > mostErrors) this.heard.gaveUp()
    else this.askKey()
  }
}
