import { text } from './text.ts'

/** What a person says: not only spaces. */
export const spoken = (maxLength: number) => text(maxLength).refine((value) => value.trim() !== '', 'say something')
