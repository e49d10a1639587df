import type { Range } from './words.ts'

/** A piece of a line that looks the same throughout. */
export interface Run {
  text: string
  /** Class of its colour; empty without one. */
  colour: string
  changed: boolean
}

const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&#x27;': "'" }

/** Lines of what highlight.js made: only spans with a class, and entities. Text stays text: nothing of it is ever markup again. */
export function coloursOf(html: string): { text: string; colour: string }[][] {
  const lines: { text: string; colour: string }[][] = [[]]
  const open: string[] = []
  for (const [token] of html.matchAll(/<span class="[^"]*">|<\/span>|\n|&[#\w]+;|[^<&\n]+|[<&]/g)) {
    if (token === '\n') lines.push([])
    else if (token === '</span>') open.pop()
    else if (token.startsWith('<span')) open.push(token.slice(13, -2))
    else lines.at(-1)?.push({ text: entities[token] ?? token, colour: open.at(-1) ?? '' })
  }
  return lines
}

/** A line in pieces: its colours, cut where changed words begin and end. */
export function runsOf(text: string, colours: readonly { text: string; colour: string }[] | undefined, changed: readonly Range[]): Run[] {
  const runs: Run[] = []
  let at = 0
  const coloured = colours?.map((one) => one.text).join('') === text ? colours : undefined
  for (const piece of coloured ?? [{ text, colour: '' }]) {
    const end = at + piece.text.length
    const cuts = changed.flatMap((range) => [range.start, range.end]).filter((cut) => cut > at && cut < end)
    const edges = [at, ...cuts, end]
    for (let index = 1; index < edges.length; index++) {
      const [from = 0, to = 0] = [edges[index - 1], edges[index]]
      const inside = changed.some((range) => range.start <= from && to <= range.end)
      if (to > from) runs.push({ text: text.slice(from, to), colour: piece.colour, changed: inside })
    }
    at = end
  }
  return runs
}
