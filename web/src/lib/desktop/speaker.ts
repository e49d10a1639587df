/** Units: seconds. */
const cushion = 0.06
const longestLag = 0.25

/** Plays samples one behind the other. What comes in a lump after a stall is left out, so that sound never runs behind the picture. */
export class Speaker {
  private context: AudioContext | null = null
  private next = 0

  /** Browsers let sound begin by a click only. */
  turn(on: boolean): void {
    void this.context?.close()
    this.context = on ? new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' }) : null
    this.next = 0
  }

  play(left: Float32Array<ArrayBuffer>, right: Float32Array<ArrayBuffer>): void {
    const { context } = this
    if (context === null || context.state !== 'running' || left.length === 0) return
    const now = context.currentTime
    if (this.next - now > longestLag) return
    if (this.next < now + 0.005) this.next = now + cushion
    const buffer = context.createBuffer(2, left.length, 48_000)
    buffer.copyToChannel(left, 0)
    buffer.copyToChannel(right, 1)
    const source = context.createBufferSource()
    source.buffer = buffer
    source.connect(context.destination)
    source.start(this.next)
    this.next += buffer.duration
  }
}
