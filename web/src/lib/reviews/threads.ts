import type { Comment, SpecDocument } from '@helix/contract/reviews'
import type { Mark } from '#lib/markdown/render.ts'
import { findQuote } from '#lib/markdown/selection.ts'

export interface Thread {
  comment: Comment
  /** Where its text stands in the shown document; null: nowhere (a comment on the whole, or the text is gone). */
  place: { start: number; end: number } | null
}

/** The comments that belong beside one document: its own, in the order of the text, then those on the whole spec. */
export function threadsOf(comments: readonly Comment[], document: SpecDocument, source: string): Thread[] {
  const order = (thread: Thread): number => thread.place?.start ?? Number.POSITIVE_INFINITY
  return comments
    .filter(({ anchor }) => anchor === null || anchor.document === document)
    .map((comment) => ({ comment, place: comment.anchor === null ? null : findQuote(source, comment.anchor.quote, comment.anchor.offset) }))
    .sort((a, b) => order(a) - order(b) || a.comment.id.localeCompare(b.comment.id))
}

/** What to highlight: the places of open comments. */
export function marksOf(threads: readonly Thread[]): Mark[] {
  return threads.flatMap(({ comment, place }) => (place === null || comment.resolvedAt !== null ? [] : [{ id: comment.id, ...place }]))
}

export function openCount(comments: readonly Comment[], document?: SpecDocument): number {
  return comments.filter(({ resolvedAt, anchor }) => resolvedAt === null && (document === undefined || anchor?.document === document))
    .length
}
