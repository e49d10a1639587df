import type { Token, Tokens } from 'marked'
import { entityText, escapeHtml, safeHref } from './escape.ts'
import type { Placement } from './placement.ts'

/** What inline tokens need to become HTML: where text stands in the source, and how a leaf is written. */
export interface InlineContext {
  placement: Placement
  leaf(text: string, raw: string): string
}

const wraps: Record<string, string> = { strong: 'strong', em: 'em', del: 'del' }

function link(token: Tokens.Link, context: InlineContext): string {
  const inner = renderInline(token.tokens, context)
  context.placement.skipPast(token.raw)
  const href = safeHref(token.href)
  if (href === null) return inner
  return `<a href="${escapeHtml(href)}" rel="noreferrer nofollow" target="_blank">${inner}</a>`
}

/** An image would tell its host who reads this: it becomes a link. */
function image(token: Tokens.Image, context: InlineContext): string {
  const href = safeHref(token.href)
  const text = context.leaf(token.text === '' ? token.href : token.text, token.text)
  context.placement.skipPast(token.raw)
  return href === null ? text : `<a href="${escapeHtml(href)}" rel="noreferrer nofollow" target="_blank">${text}</a>`
}

function renderToken(token: Token, context: InlineContext): string {
  const tag = wraps[token.type]
  if (tag !== undefined) return `<${tag}>${renderInline((token as Tokens.Strong).tokens, context)}</${tag}>`
  if (token.type === 'codespan') return `<code>${context.leaf((token as Tokens.Codespan).text, (token as Tokens.Codespan).text)}</code>`
  if (token.type === 'br') return '<br>'
  if (token.type === 'link') return link(token as Tokens.Link, context)
  if (token.type === 'image') return image(token as Tokens.Image, context)
  if (token.type === 'checkbox') return ''
  const nested = (token as Tokens.Text).tokens
  if (nested !== undefined && nested.length > 0) return renderInline(nested, context)
  // Raw HTML arrives here too: its text is shown, never its meaning.
  const text = token.type === 'text' ? entityText((token as Tokens.Text).text) : ((token as { text?: string }).text ?? token.raw)
  return context.leaf(text, token.raw)
}

export function renderInline(tokens: Token[] | undefined, context: InlineContext): string {
  return (tokens ?? []).map((token) => renderToken(token, context)).join('')
}
