import { type IncomingMessage, request as requestHttp } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { type ErrorCode, errorCatalogue, HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { supervisorPort } from '@helix/contract/link'
import type { Context } from '../context.ts'
import { machineToken } from './token.ts'

/** Units: bytes. Root in a session may answer anything in the supervisor's place. */
const longestAnswer = 16 * 1024 * 1024

export interface MachineRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Behind `/api/v1/sessions/:sessionId`, with its query. */
  path: string
  body?: string | Readable
  headers?: Record<string, string>
  /** Who asked is gone. */
  signal?: AbortSignal
  /** Units: milliseconds until the answer begins. */
  deadlineMs: number
}

type Machines = Pick<Context, 'tunnels' | 'sealing'>

/** What shows the supervisor that we ask. */
export const machineHeaders = ({ sealing }: Machines, sessionId: SessionId, epoch: number): Record<string, string> => ({
  host: `session:${supervisorPort}`,
  authorization: `Bearer ${machineToken(sealing, sessionId, epoch)}`,
})

/** Asks the supervisor of a session; answers with its answer as it begins, whatever its status. */
export async function askMachine(context: Machines, sessionId: SessionId, input: MachineRequest): Promise<IncomingMessage> {
  const { bytes, epoch } = await context.tunnels.dial(sessionId)
  const { method, path, body, headers } = input
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      bytes.destroy()
      reject(new HelixError('machine_unavailable', `The session’s machine does not answer (${reason}): try again, or resume the session.`))
    }
    const timer = setTimeout(() => fail('too late'), input.deadlineMs)
    const request = requestHttp(
      {
        method,
        path,
        headers: { ...headers, ...machineHeaders(context, sessionId, epoch), connection: 'close' },
        createConnection: () => bytes as never,
      },
      (response) => {
        clearTimeout(timer)
        response.once('close', () => bytes.destroy())
        resolve(response)
      },
    )
    request.once('error', (error) => {
      clearTimeout(timer)
      fail(error.message)
    })
    input.signal?.addEventListener('abort', () => bytes.destroy())
    if (body === undefined || typeof body === 'string') request.end(body)
    else carry(body, request, bytes)
  })
}

/** An upload that breaks off must not look whole. */
function carry(body: Readable, request: NodeJS.WritableStream, bytes: Duplex): void {
  body.once('error', () => bytes.destroy())
  body.once('aborted', () => bytes.destroy())
  body.pipe(request)
}

/** As `askMachine`, for small JSON; an error of the supervisor is thrown in its words. */
export async function askMachineJson(context: Machines, sessionId: SessionId, input: MachineRequest): Promise<unknown> {
  const response = await askMachine(context, sessionId, input)
  const body = await jsonOf(response)
  if (response.statusCode === 200) return body
  throw errorIn(body)
}

/** The error that an answer of the supervisor holds. */
export async function errorOf(response: IncomingMessage): Promise<HelixError> {
  return errorIn(await jsonOf(response))
}

async function jsonOf(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestAnswer) break
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new HelixError(
      'machine_unavailable',
      'The session’s machine answers nonsense: its supervisor is older than this version, or was tampered with.',
    )
  }
}

function errorIn(body: unknown): HelixError {
  const { code, message } = (body as { error?: { code?: string; message?: string } } | null)?.error ?? {}
  const known = code !== undefined && code in errorCatalogue && code !== 'internal' && code !== 'not_signed_in'
  return new HelixError(known ? (code as ErrorCode) : 'machine_unavailable', String(message ?? 'It failed in the session.').slice(0, 1000))
}
