import type { Spec } from '@helix/contract/reviews'
import type { TaskStatus } from '@helix/contract/task-status'

const afterReview: readonly TaskStatus[] = ['queued_implementation', 'implementing', 'implementation_review', 'pull_request']

/** Why nobody has approved what is being built now, and the revisions to compare; null while the approval stands, and before there is one. */
export function lostApproval(
  { reviews, revisions }: Pick<Spec, 'reviews' | 'revisions'>,
  status: TaskStatus,
): { reason: string; from: number; to: number } | null {
  const last = reviews.at(-1)
  if (!afterReview.includes(status) || last?.verdict !== 'approved' || last.voidReason === null) return null
  const to = Math.max(...revisions.map(({ number }) => number))
  return { reason: last.voidReason, from: revisions.find(({ id }) => id === last.revisionId)?.number ?? to, to }
}
