import type { Token, Tokens } from 'marked'
import { escapeHtml } from './escape.ts'
import { type InlineContext, renderInline } from './inline.ts'
import { tokensOf } from './lexer.ts'
import { Placement } from './placement.ts'

/** A passage to highlight, as offsets in the source. */
export interface Mark {
  id: string
  start: number
  end: number
  /** What kind of passage: a commented one unless it is what a revision took away or brought. */
  tag?: 'ins' | 'del'
}

export interface Heading {
  id: string
  depth: number
  text: string
}

export interface Rendered {
  html: string
  headings: Heading[]
}

function markedPiece(text: string, start: number, marks: readonly Mark[]): string {
  const end = start + text.length
  const cuts = new Set([start, end])
  for (const mark of marks) for (const at of [mark.start, mark.end]) if (at > start && at < end) cuts.add(at)
  const points = [...cuts].sort((a, b) => a - b)
  return points
    .slice(0, -1)
    .map((from, index) => {
      const to = points[index + 1] ?? end
      const piece = `<span data-at="${from}">${escapeHtml(text.slice(from - start, to - start))}</span>`
      const here = marks.filter((mark) => mark.start <= from && mark.end >= to)
      const tag = here.find((mark) => mark.tag !== undefined)?.tag
      if (tag !== undefined) return `<${tag}>${piece}</${tag}>`
      const ids = here.map((mark) => mark.id)
      return ids.length === 0 ? piece : `<mark data-comment="${escapeHtml(ids.join(' '))}">${piece}</mark>`
    })
    .join('')
}

class Renderer implements InlineContext {
  readonly placement: Placement
  readonly headings: Heading[] = []
  private readonly marks: readonly Mark[] | null
  private readonly prefix: string

  constructor(source: string, marks: readonly Mark[] | null, prefix: string) {
    this.placement = new Placement(source)
    this.marks = marks
    this.prefix = prefix
  }

  /** With marks, every piece of text says where it stands in the source; each line for itself, since indentation is not part of it. */
  leaf(text: string, raw: string): string {
    if (this.marks === null) return escapeHtml(text)
    if (text !== raw) {
      const at = this.placement.locate(raw)
      return at === null ? escapeHtml(text) : `<span data-at="${at}" data-length="${raw.length}">${escapeHtml(text)}</span>`
    }
    return text
      .split('\n')
      .map((line) => {
        const at = this.placement.locate(line)
        return at === null ? escapeHtml(line) : markedPiece(line, at, this.marks ?? [])
      })
      .join('\n')
  }

  blocks(tokens: Token[]): string {
    return tokens.map((token) => this.block(token)).join('')
  }

  /** Top-level tokens follow each other without a gap, so their places are exact. */
  document(tokens: Token[]): string {
    let start = 0
    return tokens
      .map((token) => {
        this.placement.enter(start, start + token.raw.length)
        start += token.raw.length
        return this.block(token)
      })
      .join('')
  }

  private block(token: Token): string {
    const inner = (): string => renderInline((token as Tokens.Paragraph).tokens, this)
    switch (token.type) {
      case 'space':
      case 'def':
        return ''
      case 'hr':
        return '<hr>'
      case 'heading':
        return this.heading(token as Tokens.Heading)
      case 'paragraph':
        return `<p>${inner()}</p>`
      case 'code':
        return `<pre tabindex="0"><code>${this.leaf((token as Tokens.Code).text, (token as Tokens.Code).text)}</code></pre>`
      case 'blockquote':
        return `<blockquote>${this.blocks((token as Tokens.Blockquote).tokens)}</blockquote>`
      case 'list':
        return this.list(token as Tokens.List)
      case 'table':
        return this.table(token as Tokens.Table)
      case 'text':
        return (token as Tokens.Text).tokens ? inner() : this.leaf((token as Tokens.Text).text, token.raw)
      default:
        return `<p>${this.leaf(token.raw, token.raw)}</p>`
    }
  }

  private heading(token: Tokens.Heading): string {
    const id = `${this.prefix}${this.headings.length + 1}`
    const html = renderInline(token.tokens, this)
    this.headings.push({ id, depth: token.depth, text: token.text.replace(/[*_`]/g, '') })
    // The page has its own h1: documents start at h2.
    const tag = `h${Math.min(6, token.depth + 1)}`
    return `<${tag} id="${id}">${html}</${tag}>`
  }

  private list(token: Tokens.List): string {
    const tag = token.ordered ? 'ol' : 'ul'
    const start = token.ordered && token.start !== '' && token.start !== 1 ? ` start="${token.start}"` : ''
    const items = token.items.map((item) => {
      const box = item.task
        ? `<input type="checkbox" disabled aria-label="${item.checked ? 'done' : 'open'}"${item.checked ? ' checked' : ''}> `
        : ''
      return `<li${item.task ? ' class="task"' : ''}>${box}<div>${this.blocks(item.tokens.filter(({ type }) => type !== 'checkbox'))}</div></li>`
    })
    return `<${tag}${start}>${items.join('')}</${tag}>`
  }

  private table(token: Tokens.Table): string {
    const row = (cells: Tokens.TableCell[], tag: string): string =>
      `<tr>${cells.map((cell) => `<${tag}${cell.align ? ` align="${cell.align}"` : ''}>${renderInline(cell.tokens, this)}</${tag}>`).join('')}</tr>`
    const body = token.rows.map((cells) => row(cells, 'td')).join('')
    return `<div class="table" tabindex="0"><table><thead>${row(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>`
  }
}

/**
 * Markdown of agents and people as HTML that is safe by construction: only tags written here come out, every text is escaped, raw HTML is shown as
 * text. `marks: null` leaves out where text stands in the source.
 */
export function renderMarkdown(source: string, marks: readonly Mark[] | null = null, prefix = 'h-'): Rendered {
  const text = source.replace(/\r\n|\r/g, '\n')
  const renderer = new Renderer(text, marks, prefix)
  const html = renderer.document(tokensOf(text))
  return { html, headings: renderer.headings }
}
