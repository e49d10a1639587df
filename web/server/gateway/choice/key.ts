import type { Candidate } from '../ports/candidate.ts'

/** What fails together: a key of a provider. */
export const keyOf = ({ providerId, key }: Candidate): string => `${providerId} ${key.id}`
