import type { Place } from '@helix/contract/reviews'

/** How much of the text around a quote tells two places of the same words apart. Units: UTF-16 units. */
const contextLength = 80
/** Words on each side that must still stand for a passage whose own words are all new. */
const neighbours = 4
/** The least likeness of a passage that was changed, of 0 to 1. */
const likeness = 0.5
/** Units: words of a document; beyond it only exact places are looked for. */
const longest = 200_000

export interface Quoted {
  quote: string
  offset: number
}

/** Line ends as every offset counts them. */
export const withLineFeeds = (text: string): string => text.replace(/\r\n|\r/g, '\n')

const gone: Place = { state: 'gone', start: null, end: null }

function sharedEnd(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  for (let count = 0; count < most; count++) if (one[one.length - 1 - count] !== other[other.length - 1 - count]) return count
  return most
}

function sharedStart(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  for (let count = 0; count < most; count++) if (one[count] !== other[count]) return count
  return most
}

interface Found {
  start: number
  /** How much of the old surroundings stands around it. */
  before: number
  after: number
}

function placesOf(before: string, { quote, offset }: Quoted, after: string): Found[] {
  const [head, tail] = [
    before.slice(Math.max(0, offset - contextLength), offset),
    before.slice(offset + quote.length).slice(0, contextLength),
  ]
  const found: Found[] = []
  for (let start = after.indexOf(quote); start !== -1; start = after.indexOf(quote, start + 1)) {
    const end = start + quote.length
    found.push({
      start,
      before: sharedEnd(head, after.slice(Math.max(0, start - contextLength), start)),
      after: sharedStart(tail, after.slice(end, end + contextLength)),
    })
  }
  return found
}

/** A word or two stand in many places: they are the same passage only with something of their surroundings, or as the only ones there. */
function telling(before: string, { quote }: Quoted, places: readonly Found[], place: Found): boolean {
  if (wordsOf(quote).length >= 4) return true
  if (place.before + place.after >= 12) return true
  const alone = places.length === 1 && before.indexOf(quote) === before.lastIndexOf(quote)
  return alone && quote.trim().length >= 4
}

function exactPlace(before: string, quoted: Quoted, after: string): Place | null {
  const { quote, offset } = quoted
  const places = placesOf(before, quoted, after)
  const score = (place: Found): number => place.before + place.after
  const best = places.toSorted((a, b) => score(b) - score(a) || Math.abs(a.start - offset) - Math.abs(b.start - offset))[0]
  if (best === undefined) return null
  const same = places.find(({ start }) => start === offset)
  // Equal lines that moved by their own length: another one stands at the offset, and this one stands elsewhere with all that was around it.
  const displaced = same !== undefined && score(best) >= score(same) + 12
  if (same !== undefined && !displaced) return { state: 'unchanged', start: offset, end: offset + quote.length }
  if (!telling(before, quoted, places, best)) return null
  return { state: 'moved', start: best.start, end: best.start + quote.length }
}

interface Word {
  text: string
  start: number
  end: number
}

/** Words, and each character of scripts that put no space between them; marks and blanks are no words. */
const wordPattern =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]\p{M}*|[\p{L}\p{N}_][\p{L}\p{N}\p{M}_'’]*|\p{Extended_Pictographic}/gu

function wordsOf(text: string): Word[] {
  return [...text.matchAll(wordPattern)].map(({ 0: word, index }) => ({
    text: word.normalize('NFC').toLowerCase(),
    start: index,
    end: index + word.length,
  }))
}

/** Which words of `there` stand for those of `here`, in their order: a longest common subsequence. */
function aligned(here: readonly Word[], there: readonly Word[]): number[] {
  const width = there.length + 1
  const table = new Uint16Array((here.length + 1) * width)
  for (let i = here.length - 1; i >= 0; i--)
    for (let j = there.length - 1; j >= 0; j--)
      table[i * width + j] =
        here[i]?.text === there[j]?.text
          ? (table[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0)
  const chosen: number[] = []
  for (let i = 0, j = 0; i < here.length && j < there.length; )
    if (here[i]?.text === there[j]?.text) {
      chosen.push(j)
      i += 1
      j += 1
    } else if ((table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0)) i += 1
    else j += 1
  return chosen
}

/** Where the words of the quote lie closest together, by counting and not by order; among equals the nearest to where they were. */
function densest(quote: readonly Word[], words: readonly Word[], near: number): number {
  const wanted = new Map<string, number>()
  for (const { text } of quote) wanted.set(text, (wanted.get(text) ?? 0) + 1)
  const size = Math.max(1, quote.length)
  let [overlap, best, bestAt] = [0, 0, -1]
  const take = (word: Word | undefined, by: 1 | -1): void => {
    const left = word === undefined ? undefined : wanted.get(word.text)
    if (word === undefined || left === undefined) return
    if (by === 1 ? left > 0 : left >= 0) overlap += by
    wanted.set(word.text, left - by)
  }
  for (let at = 0; at < words.length; at++) {
    take(words[at], 1)
    if (at >= size) take(words[at - size], -1)
    const start = Math.max(0, at - size + 1)
    const nearer = Math.abs(start - near) < Math.abs(bestAt - near)
    if (overlap > best || (overlap === best && overlap > 0 && nearer)) [best, bestAt] = [overlap, start]
  }
  return bestAt
}

/** The passage that resembles the quote most; null when none does enough. */
function likePlace(before: string, { quote, offset }: Quoted, after: string): Place | null {
  const [here, there] = [wordsOf(quote), wordsOf(after)]
  if (here.length < 2 || here.length > 2000 || there.length > longest) return null
  const near = Math.round((wordsOf(before.slice(0, offset)).length / Math.max(1, wordsOf(before).length)) * there.length)
  const at = densest(here, there, near)
  if (at === -1) return null
  const from = Math.max(0, at - here.length)
  const window = there.slice(from, at + here.length * 2)
  const { first, last, like } = tightest(here, window)
  if (like < likeness) return null
  const [begin, to] = widened(here, window, first, last, after)
  return { state: 'changed', start: window[begin]?.start ?? 0, end: window[to]?.end ?? 0 }
}

/** Words at the ends of the quote that are other ones now belong to it too, as many as there were, within their line. */
function widened(here: readonly Word[], there: readonly Word[], first: number, last: number, after: string): [number, number] {
  const oneLine = (left: number, right: number): boolean => !after.slice(there[left]?.end, there[right]?.start).includes('\n')
  const [head, tail] = [
    here.findIndex(({ text }) => text === there[first]?.text),
    here.findLastIndex(({ text }) => text === there[last]?.text),
  ]
  let [from, to] = [first, last]
  for (let left = head; left > 0 && from > 0 && oneLine(from - 1, from); left--) from -= 1
  for (let left = here.length - 1 - tail; left > 0 && to + 1 < there.length && oneLine(to, to + 1); left--) to += 1
  return [from, to]
}

/** The stretch of `there` that is most like `here`, as places of words: an alignment takes the first word it can, so it is done from both ends. */
function tightest(here: readonly Word[], there: readonly Word[]): { first: number; last: number; like: number } {
  const none = { first: 0, last: 0, like: 0 }
  const end = aligned(here, there).at(-1)
  if (end === undefined) return none
  const chosen = aligned(here.toReversed(), there.slice(0, end + 1).reverse())
    .map((place) => end - place)
    .reverse()
  let best = none
  const look = (low: number, high: number): void => {
    const [first, last] = [chosen[low] ?? 0, chosen[high] ?? 0]
    const like = (2 * (high - low + 1)) / (here.length + last - first + 1)
    if (like > best.like) best = { first, last, like }
  }
  // Stray words at either end only widen it.
  for (let low = 0; low < chosen.length; low++) look(low, chosen.length - 1)
  const low = chosen.indexOf(best.first)
  for (let high = chosen.length - 1; high >= low; high--) look(low, high)
  return best
}

/** Other words between the same neighbours: the passage was written anew. */
function betweenNeighbours(before: string, { quote, offset }: Quoted, after: string): Place | null {
  const words = wordsOf(before)
  const there = wordsOf(after)
  if (there.length > longest || words.length > longest) return null
  const head = words.filter(({ end }) => end <= offset).slice(-neighbours)
  const tail = words.filter(({ start }) => start >= offset + quote.length).slice(0, neighbours)
  if (head.length < neighbours || tail.length < neighbours) return null
  const most = Math.max(8, wordsOf(quote).length * 3)
  const matches = (at: number, wanted: readonly Word[]): boolean => wanted.every(({ text }, index) => there[at + index]?.text === text)
  const found: { start: number; end: number }[] = []
  for (let at = 0; at + head.length < there.length; at++) {
    if (!matches(at, head)) continue
    const from = at + head.length
    for (let to = from; to <= from + most && to < there.length; to++) {
      if (!matches(to, tail)) continue
      if (to > from) found.push({ start: there[from]?.start ?? 0, end: there[to - 1]?.end ?? 0 })
      break
    }
  }
  const best = found.toSorted((a, b) => Math.abs(a.start - offset) - Math.abs(b.start - offset))[0]
  return best === undefined ? null : { state: 'changed', ...best }
}

/**
 * Where a passage of one version of a document stands in another: as it was, the same words elsewhere, words that took its place, or nowhere.
 * `before` is the version that the quote was taken from. Both texts have line feeds only.
 */
export function reanchor(before: string, quoted: Quoted, after: string): Place {
  const { quote, offset } = quoted
  if (before === after && after.startsWith(quote, offset)) return { state: 'unchanged', start: offset, end: offset + quote.length }
  return exactPlace(before, quoted, after) ?? likePlace(before, quoted, after) ?? betweenNeighbours(before, quoted, after) ?? gone
}
