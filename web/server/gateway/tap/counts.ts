import { isAscii } from 'node:buffer'
import type { Counts } from '../ports/counts.ts'
import type { Usage } from './usage.ts'

/** On average, of prose and code. */
const bytesForToken = 4
/** Of a body, at the least, but for what no language has: long rows of single signs. */
const leastBytesForToken = 2
/** What pictures and documents cost beside their bytes. Providers scale them down, so that bytes say little. */
const mediaTokens = 6000
const bytesForMediaToken = 8

const nothing: Counts = { input: 0, output: 0, cachedInput: 0, cacheWrite: 0, reasoning: 0, estimated: false }

export const noCounts = (): Counts => ({ ...nothing })

export interface Sizes {
  /** Units: bytes. */
  body: number
  mediaBytes: number
  media: number
  said: number
}

const mediaOf = ({ media, mediaBytes }: Pick<Sizes, 'media' | 'mediaBytes'>): number =>
  Math.min(mediaBytes, Math.ceil(media * mediaTokens + mediaBytes / bytesForMediaToken))

/** What a provider said; where it was silent, or the stream broke before it spoke, a count from the bytes. */
export function countsOf(usage: Usage | null, whole: boolean, sizes: Sizes): Counts {
  if (usage !== null && whole) return { ...usage, estimated: false }
  const output = Math.ceil(sizes.said / bytesForToken)
  if (usage !== null) return { ...usage, output: Math.max(usage.output, output), estimated: true }
  const media = Math.min(sizes.mediaBytes, sizes.media * 1500)
  const input = Math.ceil((sizes.body - sizes.mediaBytes) / bytesForToken) + media
  return { ...nothing, input, output, estimated: true }
}

/**
 * No natural text and no code has more tokens than this: two bytes of ASCII and one byte of everything else make a token at the least. Counting exactly would hold
 * up the event loop. Media are taken by a rule; what a provider adds by tools of its own is not known before.
 */
export function mostInput(body: Buffer, media: Pick<Sizes, 'media' | 'mediaBytes'>): number {
  const text = body.length - media.mediaBytes
  const tokens = isAscii(body) ? text / leastBytesForToken : text
  return Math.ceil(tokens) + mediaOf(media)
}
