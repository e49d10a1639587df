import { type Comment, type Question, type Spec, type SpecDocument, specDocuments } from '@helix/contract/reviews'
import type { Mark } from '#lib/markdown/render.ts'

export interface Thread {
  comment: Comment
  replies: Comment[]
  /** The question to the agent that waits for its answer, or the last one that got none. */
  question: Question | null
  /** Where its text stands in the shown document; null: nowhere (a comment on the whole, or the text is gone). */
  place: { start: number; end: number } | null
}

const placeOf = ({ place }: Comment): Thread['place'] =>
  place === null || place.start === null || place.end === null ? null : { start: place.start, end: place.end }

/** What is told of a question: one that was answered has its reply. */
function tellingQuestion(questions: readonly Question[], id: string): Question | null {
  const last = questions.findLast(({ commentId }) => commentId === id)
  return last === undefined || last.state === 'answered' ? null : last
}

/** The threads that belong beside one document: its own, in the order of the text, then those on the whole spec. */
export function threadsOf({ comments, questions }: Pick<Spec, 'comments' | 'questions'>, document: SpecDocument): Thread[] {
  const order = (thread: Thread): number => thread.place?.start ?? Number.POSITIVE_INFINITY
  return comments
    .filter(({ parentId, anchor }) => parentId === null && (anchor === null || anchor.document === document))
    .map((comment) => ({
      comment,
      replies: comments.filter(({ parentId }) => parentId === comment.id),
      question: tellingQuestion(questions, comment.id),
      place: placeOf(comment),
    }))
    .sort((a, b) => order(a) - order(b) || a.comment.id.localeCompare(b.comment.id))
}

/** Open threads in the order that one walks them: those of each document, then those on the whole (`document` null: they stand beside any). */
export function walkOf(spec: Pick<Spec, 'comments' | 'questions'>): { id: string; document: SpecDocument | null }[] {
  const open = (name: SpecDocument) => threadsOf(spec, name).filter(({ comment }) => comment.resolvedAt === null)
  const own = specDocuments.flatMap((document) =>
    open(document).flatMap(({ comment }) => (comment.anchor === null ? [] : { id: comment.id as string, document })),
  )
  const whole = open('requirements').filter(({ comment }) => comment.anchor === null)
  return [...own, ...whole.map(({ comment }) => ({ id: comment.id as string, document: null }))]
}

/** The thread after (1) or before (-1) the current one, round and round; without a current one the nearest of the shown document. */
export function stepIn(walk: ReturnType<typeof walkOf>, current: string | null, shown: SpecDocument, by: 1 | -1) {
  const at = walk.findIndex(({ id }) => id === current)
  if (at !== -1) return walk[(at + by + walk.length) % walk.length]
  const here = walk.filter(({ document }) => document === shown)
  return (here.length > 0 ? here : walk).at(by === 1 ? 0 : -1)
}

/** What to highlight: the places of open threads. */
export function marksOf(threads: readonly Thread[]): Mark[] {
  return threads.flatMap(({ comment, place }) => (place === null || comment.resolvedAt !== null ? [] : [{ id: comment.id, ...place }]))
}

export function openCount(comments: readonly Comment[], document?: SpecDocument): number {
  return comments.filter(
    ({ parentId, resolvedAt, anchor }) =>
      parentId === null && resolvedAt === null && (document === undefined || anchor?.document === document),
  ).length
}
