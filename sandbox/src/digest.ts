import { createHash } from 'node:crypto'

/** The first letters of the text's SHA-256, in hexadecimal. */
export const digest = (text: string, letters: number): string => createHash('sha256').update(text).digest('hex').slice(0, letters)
