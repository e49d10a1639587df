export interface Range {
  /** First address as a number. */
  first: number
  last: number
}

/** `10.213.0.0/16` as a range of addresses; null for what is not an IPv4 network. */
export function parseRange(text: string): Range | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text)
  if (match === null) return null
  const [a = 256, b = 256, c = 256, d = 256, bits = 33] = match.slice(1).map(Number)
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return null
  const size = 2 ** (32 - bits)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  const first = Math.floor(address / size) * size
  return { first, last: first + size - 1 }
}

const overlaps = (one: Range, other: Range): boolean => one.first <= other.last && other.first <= one.last

/** A network of a session has 16 addresses: a gateway, the container, and room for its own. */
const size = 16

/**
 * The networks of a session that are free, in an order that starts at a place of their own for each `seed`, so that two that choose at the same
 * time seldom choose the same. Networks of other engines and routes of this machine count as taken.
 */
export function* freeSubnets(range: string, taken: readonly string[], seed: number): Generator<string> {
  const whole = parseRange(range)
  if (whole === null) throw new Error(`${range} is not an IPv4 network`)
  const used = taken.map(parseRange).filter((one) => one !== null)
  const count = Math.floor((whole.last - whole.first + 1) / size)
  for (let index = 0; index < count; index++) {
    const first = whole.first + ((seed + index) % count) * size
    const candidate = { first, last: first + size - 1 }
    if (used.some((one) => overlaps(one, candidate))) continue
    yield `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/28`
  }
}

/** Networks this machine has routes to, from the text of `/proc/net/route`; the default route is none. */
export function routesOf(text: string): string[] {
  const rows = text.trim().split('\n').slice(1)
  return rows.flatMap((row) => {
    const [, destination, , , , , , mask] = row.split(/\s+/)
    if (destination === undefined || mask === undefined || mask === '00000000') return []
    const bytes = (hex: string): number[] => [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
    const bits = bytes(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    return [`${bytes(destination).join('.')}/${bits}`]
  })
}
