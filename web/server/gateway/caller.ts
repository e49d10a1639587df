import { HelixError } from '@helix/contract/errors'
import type { Request } from 'express'
import type { Context } from '../context.ts'
import { type Bearer, resolveBearer, wasSessionToken } from '../identity/tokens.ts'

function tokenOf(request: Request): string {
  const bearer = request.header('authorization')?.replace(/^Bearer /i, '')
  return bearer ?? request.header('x-api-key') ?? ''
}

/** Whose call it is. A token that was good and is not any more answers 402: agents stop at once on it and retry on 401. */
export async function resolveCaller(context: Context, request: Request): Promise<Bearer> {
  if (request.headers.cookie !== undefined) throw new HelixError('not_signed_in', 'The gateway takes tokens, not cookies.')
  const token = tokenOf(request)
  const bearer = await resolveBearer(context.db, token)
  if (bearer !== null) return bearer
  if (await wasSessionToken(context.db, token))
    throw new HelixError('budget_exhausted', 'The session has stopped or was started again: this token is worth nothing any more.')
  throw new HelixError('not_signed_in', 'Send a session token or an API key.')
}
