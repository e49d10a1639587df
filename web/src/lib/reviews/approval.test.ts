import type { Spec } from '@helix/contract/reviews'
import { expect, test } from 'vitest'
import { lostApproval } from './approval.ts'

const revisions = [
  { id: 'rev_2', number: 2 },
  { id: 'rev_1', number: 1 },
] as Spec['revisions']
const approved = (voidReason: string | null) => ({
  reviews: [{ verdict: 'approved', revisionId: 'rev_1', voidReason }] as Spec['reviews'],
  revisions,
})

test('an approval that was lost while the task is built is told with what to compare, one that stands or is asked again is not', () => {
  const lost = approved('Revision 2 changed the design after the approval')
  expect(lostApproval(lost, 'implementing')).toEqual({ reason: 'Revision 2 changed the design after the approval', from: 1, to: 2 })
  expect(lostApproval(lost, 'spec_review')).toBe(null)
  expect(lostApproval(approved(null), 'implementing')).toBe(null)
  expect(lostApproval({ reviews: [], revisions }, 'implementing')).toBe(null)
})
