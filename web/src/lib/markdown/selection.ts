/** A passage of the source: what a comment is anchored to. */
export interface Passage {
  quote: string
  offset: number
}

/** Where a point of the rendered document stands in the source: the offset of its piece of text plus how far into it the point is. */
export interface Point {
  at: number
  into: number
  /** Set when the shown text is not literally the source's (a character reference): the point snaps to an end. */
  length?: number
}

function offsetOf(point: Point, side: 'start' | 'end'): number {
  if (point.length === undefined) return point.at + point.into
  return side === 'start' ? point.at : point.at + (point.into === 0 ? 0 : point.length)
}

/** Units: UTF-16 units. */
const longestQuote = 4000

/** The passage of the source between two points of its rendering, without blank ends. Null when nothing is left. */
export function passageBetween(source: string, start: Point, end: Point): Passage | null {
  const from = offsetOf(start, 'start')
  const to = Math.min(offsetOf(end, 'end'), from + longestQuote)
  const whole = source.slice(from, Math.max(from, to))
  const quote = whole.trim()
  if (quote === '') return null
  return { quote: quote.toWellFormed(), offset: from + whole.indexOf(quote) }
}
