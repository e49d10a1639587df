/** The newest bytes of a stream, found by their offset in the whole of it. */
export class Scrollback {
  private readonly most: number
  private chunks: Buffer[] = []
  private size = 0
  /** Offset behind the last byte. */
  end = 0

  /** `most`: bytes kept. */
  constructor(most: number) {
    this.most = most
  }

  /** Offset of the first byte that is kept. */
  get start(): number {
    return this.end - this.size
  }

  add(data: Buffer): void {
    this.chunks.push(data)
    this.size += data.length
    this.end += data.length
    while (this.size > this.most) {
      const first = this.chunks[0] as Buffer
      const excess = this.size - this.most
      if (first.length <= excess) this.chunks.shift()
      else this.chunks[0] = first.subarray(excess)
      this.size -= Math.min(first.length, excess)
    }
  }

  /** At most `length` bytes from an offset that is kept. */
  read(offset: number, length: number): Buffer {
    const parts: Buffer[] = []
    let at = this.start
    let left = Math.min(length, this.end - offset)
    for (const chunk of this.chunks) {
      const from = Math.max(0, offset - at)
      at += chunk.length
      if (from >= chunk.length || left <= 0) continue
      const part = chunk.subarray(from, from + left)
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
  }

  /** Where a picture may begin: at the first byte of all, else behind the end of a line, not in the middle of a sequence. */
  beginning(): number {
    if (this.start === 0) return 0
    const newline = this.read(this.start, this.size).indexOf(10)
    return newline === -1 ? this.start : this.start + newline + 1
  }
}
