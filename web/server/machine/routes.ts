import { pipeline } from 'node:stream/promises'
import type { Endpoint, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import { idSchema, type SessionId } from '@helix/contract/ids'
import {
  closeTerminal,
  execCommand,
  fileContentPath,
  listFiles,
  listTerminals,
  machinePath,
  openTerminal,
  recordingPath,
  terminalId,
  uploadMostBytes,
} from '@helix/contract/machine-use'
import { type Request, type Response, Router } from 'express'
import { recordAudit } from '../audit/store.ts'
import type { Context } from '../context.ts'
import { type Actor, mount, requireActor } from '../http/mount.ts'
import { askMachine, askMachineJson, errorOf, type MachineRequest } from './client.ts'

/** Units: milliseconds. */
const shortMs = 20_000
const uploadMs = 3_600_000

/** Commands, terminals and files of a session's machine. Bodies are checked here; the supervisor does the work. */
export function machineRoutes(context: Context): Router {
  const router = Router()

  const ask = async <E extends Endpoint>(endpoint: E, sessionId: SessionId, input: MachineRequest): Promise<ResponseOf<E>> => {
    context.use.touch(sessionId)
    const answer = endpoint.response.safeParse(await askMachineJson(context, sessionId, input))
    // What runs as root in a session may stand in the supervisor's place.
    if (!answer.success) throw new HelixError('machine_unavailable', 'The session’s machine answers nonsense.')
    return answer.data as ResponseOf<E>
  }

  mount(router, context, execCommand, ({ params, body, response }) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const deadlineMs = body.timeoutMs + shortMs
    return ask(execCommand, params.sessionId, {
      method: 'POST',
      path: '/exec',
      body: JSON.stringify(body),
      deadlineMs,
      signal: gone.signal,
    })
  })
  mount(router, context, listTerminals, ({ params }) =>
    ask(listTerminals, params.sessionId, { method: 'GET', path: '/terminals', deadlineMs: shortMs }),
  )
  mount(router, context, openTerminal, ({ params, body }) =>
    ask(openTerminal, params.sessionId, { method: 'POST', path: '/terminals', body: JSON.stringify(body), deadlineMs: shortMs }),
  )
  mount(router, context, closeTerminal, ({ params }) =>
    ask(closeTerminal, params.sessionId, { method: 'DELETE', path: `/terminals/${params.terminalId}`, deadlineMs: shortMs }),
  )
  mount(router, context, listFiles, ({ params, query }) =>
    ask(listFiles, params.sessionId, { method: 'GET', path: `/files?path=${encodeURIComponent(query.path)}`, deadlineMs: shortMs }),
  )

  /** Streams an answer of the machine as a download that no browser runs. */
  const download = async (request: Request, response: Response, path: string, name: string): Promise<void> => {
    await requireActor(context, 'task:write', request)
    const sessionId = idSchema('session').parse(request.params.sessionId)
    context.use.touch(sessionId)
    const answer = await askMachine(context, sessionId, { method: 'GET', path, deadlineMs: shortMs })
    if (answer.statusCode !== 200) throw await errorOf(answer)
    response.setHeader('content-type', 'application/octet-stream')
    response.setHeader('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    response.setHeader('content-security-policy', "default-src 'none'; sandbox")
    response.setHeader('cache-control', 'no-store')
    // Either end gone is the end of both, and told by the connection.
    await pipeline(answer, response).catch(() => response.destroy())
  }
  const pathOf = (request: Request): string => machinePath.parse(request.query.path)

  router.get(fileContentPath, async (request, response) => {
    await requireActor(context, 'task:write', request)
    const path = pathOf(request)
    await download(request, response, `/files/content?path=${encodeURIComponent(path)}`, path.split('/').at(-1) ?? 'file')
  })
  router.get(recordingPath, async (request, response) => {
    await requireActor(context, 'task:write', request)
    const id = terminalId.parse(request.params.terminalId)
    await download(request, response, `/terminals/${id}/recording`, `terminal-${id}.cast`)
  })
  router.put(fileContentPath, async (request, response) => {
    const actor = await requireActor(context, 'task:write', request)
    const sessionId = idSchema('session').parse(request.params.sessionId)
    const path = pathOf(request)
    if (Number(request.headers['content-length'] ?? 0) > uploadMostBytes)
      throw new HelixError('too_large', `A file may have ${uploadMostBytes / 1024 ** 3} GiB.`)
    context.use.touch(sessionId)
    const headers = request.headers['content-length'] === undefined ? {} : { 'content-length': request.headers['content-length'] }
    const input = {
      method: 'PUT' as const,
      path: `/files/content?path=${encodeURIComponent(path)}`,
      body: request,
      headers,
      deadlineMs: uploadMs,
    }
    const answer = await askMachineJson(context, sessionId, input)
    await audit(context, request, actor, sessionId, path)
    response.json({ size: Number((answer as { size?: unknown }).size ?? 0) })
  })
  return router
}

async function audit(context: Context, request: Request, actor: Actor, sessionId: SessionId, name: string): Promise<void> {
  await recordAudit(context.db, {
    orgId: actor.orgId,
    actorId: actor.userId,
    actorName: actor.userName,
    via: actor.via,
    action: 'uploadFile',
    target: { kind: 'session', id: sessionId, name: name.slice(0, 200) },
    projectId: actor.projectId,
    requestId: request.id,
    address: request.ip ?? null,
  })
}
