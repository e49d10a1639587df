import { timingSafeEqual } from 'node:crypto'

/** Takes as long for a near miss as for a far one. */
export function sameSecret(given: string, expected: string): boolean {
  const a = Buffer.from(given)
  const b = Buffer.from(expected)
  return a.length === b.length && timingSafeEqual(a, b)
}
