/**
 * Where rendered text stands in the Markdown source. Text comes in the order of the source, so each piece is looked for from where the last one
 * ended; block tokens, whose place is known exactly, set the position anew.
 */
export class Placement {
  private readonly source: string
  private position = 0
  private limit: number

  constructor(source: string) {
    this.source = source
    this.limit = source.length
  }

  /** The next pieces are inside `[start, end)`. */
  enter(start: number, end: number): void {
    this.position = start
    this.limit = end
  }

  /** Offset of the piece, or null when it is not literally there (a reference that was resolved). */
  locate(piece: string): number | null {
    if (piece === '') return null
    const found = this.source.indexOf(piece, this.position)
    if (found === -1 || found + piece.length > this.limit) return null
    this.position = found + piece.length
    return found
  }

  /** Goes behind what is left of a token, so that its address is not taken for the text that follows. */
  skipPast(raw: string): void {
    const tail = raw.slice(-Math.min(raw.length, 24))
    const from = Math.max(0, this.position - tail.length)
    const found = this.source.indexOf(tail, from)
    if (found !== -1 && found + tail.length <= this.limit) this.position = Math.max(this.position, found + tail.length)
  }
}
