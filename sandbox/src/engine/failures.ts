import { reasonOf } from '../reason.ts'
import { EngineError, type EngineFailure } from './engine.ts'

/** The engine's own words without the wrapping of its client. */
function wordsOf(error: Error & { json?: { message?: string } | null }): string {
  return error.json?.message ?? reasonOf(error)
}

function kindOf(status: number | undefined, words: string): EngineFailure {
  if (/pool overlaps|could not find an available.*address pool/i.test(words)) return 'overlap'
  if (status === undefined) return 'unreachable'
  if (status === 404) return 'missing'
  if (status === 409 || /already (exists|in use)|has active endpoints|volume is in use/i.test(words)) return 'conflict'
  return 'failed'
}

/** Gives a failure of the engine's client its kind. */
export function engineErrorOf(what: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error
  const failure = error as Error & { statusCode?: number; json?: { message?: string } | null }
  const words = wordsOf(failure)
  const kind = kindOf(failure.statusCode, words)
  const message = kind === 'unreachable' ? `Docker does not answer (${what}): ${words}` : `Docker cannot ${what}: ${words}`
  return new EngineError(kind, message, error)
}

/** Rejects when the engine takes longer. Units: milliseconds. The engine may still do what it was asked. */
export async function within<T>(what: string, deadlineMs: number, call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EngineError('unreachable', `Docker did not ${what} within ${deadlineMs / 1000} s`)), deadlineMs)
  })
  try {
    return await Promise.race([call(), late])
  } catch (error) {
    throw engineErrorOf(what, error)
  } finally {
    clearTimeout(timer)
  }
}

/** An answer of a kind that counts as done. */
export async function unless<T>(kinds: readonly EngineFailure[], call: Promise<T>): Promise<T | null> {
  try {
    return await call
  } catch (error) {
    if (error instanceof EngineError && kinds.includes(error.kind)) return null
    throw error
  }
}
