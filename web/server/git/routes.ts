import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { HelixError } from '@helix/contract/errors'
import type { Request, RequestHandler, Response } from 'express'
import type { Context } from '../context.ts'
import { asHelixError } from '../http/errors.ts'
import { type Access, findAccess, type Service, tokenOf } from './access.ts'
import { type RepoKey, revealing } from './environment.ts'
import { createGate } from './gate.ts'
import { settleIntent } from './intents.ts'
import { protocolOf, serveRpc } from './rpc.ts'
import { createUpkeep } from './upkeep.ts'

const path = /^\/([^/]+)\/([^/]+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/
/** Units: bytes; a fetch only says what it has and wants. */
const maxFetchRequestBytes = 64 * 1024 * 1024
/** Units: milliseconds a push waits for its own event; the push log goes on without it. */
const recordMs = 10_000

interface Asked {
  orgSlug: string
  name: string
  service: Service
  /** Only the refs, for a client that begins. */
  advertise: boolean
}

function askedOf(request: Request): Asked {
  const [, orgSlug, name, action] = path.exec(request.path) ?? []
  if (orgSlug === undefined || name === undefined)
    throw new HelixError('not_found', 'There is no such repository, or it is not yours to see.')
  const advertise = action === 'info/refs'
  const service = advertise ? request.query.service : action
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
    throw new HelixError('invalid_request', 'Only the smart HTTP protocol is spoken here: use a current git client.')
  }
  if (request.method !== (advertise ? 'GET' : 'POST'))
    throw new HelixError('invalid_request', `${request.method} is not part of git's protocol.`)
  if (!advertise && request.headers['content-type'] !== `application/x-${service}-request`) {
    throw new HelixError('invalid_request', `The content type must be application/x-${service}-request.`)
  }
  return { orgSlug, name, service, advertise }
}

async function allow(context: Context, request: Request, asked: Asked): Promise<Access> {
  const token = tokenOf(request.headers)
  if (token === null) throw new HelixError('not_signed_in', 'Use an API key as the password (any user name).')
  const access = await findAccess(context.db, token, asked.orgSlug, asked.name)
  if (access === 'unknown') throw new HelixError('not_signed_in', 'The token is not valid or was revoked.')
  if (access === null) throw new HelixError('not_found', 'There is no such repository, or it is not yours to see.')
  if (asked.service === 'git-receive-pack' && !access.mayPush)
    throw new HelixError('forbidden', 'You may read this repository but not push to it.')
  return access
}

const packetLine = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`

interface Exchange {
  asked: Asked
  access: Access
  request: Request
  response: Response
}

async function serve(context: Context, exchange: Exchange, upkeep: (repo: RepoKey) => void): Promise<void> {
  const { asked, access, request, response } = exchange
  const { settings, folderOf } = context.gitStorage
  const gitDir = folderOf(access.repository)
  const push = asked.service === 'git-receive-pack' && !asked.advertise ? beginPush(context, access, gitDir, upkeep) : null
  const strict = asked.service === 'git-upload-pack' ? ['--strict'] : []
  try {
    await serveRpc({
      settings,
      args: [
        ...revealing(access.revealed),
        asked.service.slice('git-'.length),
        ...strict,
        '--stateless-rpc',
        ...(asked.advertise ? ['--http-backend-info-refs'] : []),
        gitDir,
      ],
      env: { ...protocolOf(request.get('git-protocol')), ...push?.env },
      contentType: `application/x-${asked.service}-${asked.advertise ? 'advertisement' : 'result'}`,
      ...(asked.advertise ? { preamble: `${packetLine(`# service=${asked.service}\n`)}0000` } : {}),
      body: asked.advertise ? null : request,
      maxBodyBytes: push === null ? maxFetchRequestBytes : settings.maxPushBytes + maxFetchRequestBytes,
      response,
      ended: async (whole) => push?.end(whole),
    })
  } finally {
    push?.forget()
  }
}

/** A push has an id from before git starts, so that nobody takes its intent for one left over. */
function beginPush(context: Context, access: Access, gitDir: string, upkeep: (repo: RepoKey) => void) {
  const { running } = context.gitStorage
  const id = context.newId('push')
  running.add(id)
  return {
    env: hookEnvironment(access, id),
    forget: () => running.delete(id),
    async end(whole: boolean): Promise<void> {
      if (whole) await settleIntent(gitDir, id)
      running.delete(id)
      upkeep(access.repository)
      await recordSoon(context, access)
    },
  }
}

/** What the hooks decide by. */
function hookEnvironment(access: Access, pushId: string): Record<string, string> {
  return {
    HELIX_PUSH_ID: pushId,
    HELIX_PUSHER_KIND: access.pusher.kind,
    HELIX_PUSHER_ID: access.pusher.id,
    HELIX_PUSH_HOST: hostname(),
    HELIX_TASK_REF: access.taskRef ?? '',
    HELIX_PROTECTED_BRANCHES: access.protectedBranches.join(' '),
    HELIX_DEFAULT_REF: `refs/heads/${access.repository.defaultBranch}`,
  }
}

/** A client that sees its push succeed finds it in the lists, unless the database is slow or away: then the sweep brings it. */
async function recordSoon(context: Context, access: Access): Promise<void> {
  const timer = new AbortController()
  const flushed = context.pushes
    .flush(access.repository)
    .catch((error) => context.log.warn({ err: error, repositoryId: access.repository.repositoryId }, 'push not recorded yet'))
  await Promise.race([flushed, wait(recordMs, undefined, { signal: timer.signal, ref: false }).catch(() => undefined)])
  timer.abort()
}

/** git shows a plain text body to its user. */
function refuse(context: Context, error: unknown, request: Request, response: Response): void {
  const known = asHelixError(error)
  if (known.status >= 500) context.log.error({ err: error, requestId: request.id, path: request.path }, 'git request failed')
  if (response.headersSent) {
    response.destroy()
    return
  }
  if (known.status === 401) response.setHeader('www-authenticate', 'Basic realm="Helix", charset="UTF-8"')
  if (known.status === 429) response.setHeader('retry-after', '2')
  // What the client still sends is not read: the connection cannot serve another request.
  if (request.method === 'POST') response.setHeader('connection', 'close')
  response.status(known.status).type('text/plain').send(`helix: ${known.message} (${known.code}, request ${request.id})\n`)
}

/** Smart HTTP: `/<org>/<name>.git/…`, streamed through git's own plumbing. Takes tokens, never cookies. */
export function gitRoutes(context: Context): RequestHandler {
  const enter = createGate(16, 200)
  const upkeep = createUpkeep(context.gitStorage, context.log)
  return async (request, response) => {
    try {
      const asked = askedOf(request)
      const access = await allow(context, request, asked)
      await enter(() => serve(context, { asked, access, request, response }, upkeep))
    } catch (error) {
      refuse(context, error, request, response)
    }
  }
}
