import { z } from 'zod'

/** Every error a Helix process answers with: the code is stable, the message is for people and may be replaced by a more exact one. */
export const errorCatalogue = {
  invalid_request: { status: 400, message: 'The request is not valid.' },
  not_signed_in: { status: 401, message: 'Sign in, or send an API key.' },
  sign_in_failed: { status: 401, message: 'That e-mail and password do not match, or the link was used or has expired.' },
  budget_exhausted: { status: 402, message: 'The session may not use inference any more.' },
  forbidden: { status: 403, message: 'You may see this but not change it.' },
  cross_site: { status: 403, message: 'A request from another site was refused.' },
  not_found: { status: 404, message: 'There is nothing here, or it is not yours to see.' },
  conflict: { status: 409, message: 'The current state does not allow this.' },
  transition_refused: { status: 409, message: 'The task is not in a state that allows this.' },
  revision_outdated: { status: 409, message: 'A newer revision of the spec exists.' },
  branch_moved: { status: 409, message: 'The branch has moved since you looked at it.' },
  idempotency_mismatch: { status: 409, message: 'The Idempotency-Key was used for a different request.' },
  epoch_outdated: { status: 409, message: 'The session was started again elsewhere.' },
  too_large: { status: 413, message: 'The request is too large.' },
  rate_limited: { status: 429, message: 'Too many requests: wait and try again.' },
  internal: { status: 500, message: 'Something failed inside Helix. The request id leads an operator to the cause.' },
  provider_failed: { status: 502, message: 'The inference provider failed or answered nonsense.' },
  import_failed: { status: 502, message: 'The repository could not be imported.' },
  worker_unavailable: { status: 503, message: 'No worker took this in time: it may be starting. Try again.' },
  temporal_unavailable: { status: 503, message: 'Temporal does not answer. Try again.' },
  database_unavailable: { status: 503, message: 'The database does not answer. Try again.' },
  machine_unavailable: { status: 503, message: 'The session’s machine cannot be reached now. Try again, or resume the session.' },
  no_provider: { status: 503, message: 'No inference provider that speaks this dialect is configured.' },
  storage_full: { status: 507, message: 'The data folder is full: free space and try again.' },
} as const

export type ErrorCode = keyof typeof errorCatalogue

export const errorCodes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]

/** The body of every error answer. `details` never holds secrets; for `invalid_request` it is `{fields: {<path>: <what is wrong>}}`. */
export const errorBody = z
  .object({
    error: z.object({
      code: z.enum(errorCodes),
      message: z.string(),
      requestId: z.string(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .meta({ id: 'Error' })
export type ErrorBody = z.infer<typeof errorBody>

/** Thrown by a handler to answer with a code of the catalogue, and by the client when it receives one. */
export class HelixError extends Error {
  override readonly name = 'HelixError'
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined
  /** Set when the error came over the wire. */
  readonly requestId: string | undefined

  constructor(code: ErrorCode, message?: string, details?: Record<string, unknown>, requestId?: string) {
    super(message ?? errorCatalogue[code].message)
    this.code = code
    this.details = details
    this.requestId = requestId
  }

  get status(): number {
    return errorCatalogue[this.code].status
  }
}
