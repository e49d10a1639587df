import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import type { Response } from 'express'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { resolveActor } from '../identity/principal.ts'
import { newestEventId, readEvents } from './store.ts'

/** Units: milliseconds. */
const pollMs = 5000
const keepAliveMs = 15_000
const batch = 200
const connectionsPerUser = 40

const open = new Map<string, number>()

/** Writes batches until the client is up to date. Back-pressure: a client that does not read makes us wait, not buffer. */
async function catchUp(context: Context, orgId: OrgId, after: number, response: Response): Promise<number> {
  let last = after
  for (;;) {
    const events = await readEvents(context.db, orgId, last, batch)
    for (const { id, event } of events) {
      last = id
      const room = response.write(`id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      if (!room) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
    }
    if (events.length < batch || response.destroyed) return last
  }
}

async function stream(context: Context, orgId: OrgId, from: number, response: Response): Promise<void> {
  let last = from
  let wake: () => void = () => {}
  const unsubscribe = context.bus.subscribe(orgId, () => wake())
  const keepAlive = setInterval(() => response.write(': keep-alive\n\n'), keepAliveMs)
  const closing = context.streams.signal
  const end = (): void => wake()
  response.on('close', end)
  closing.addEventListener('abort', end)
  try {
    while (!response.destroyed && !closing.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      last = await catchUp(context, orgId, last, response)
      let timer: NodeJS.Timeout | undefined
      await Promise.race([
        woken,
        new Promise((resolve) => {
          timer = setTimeout(resolve, pollMs)
        }),
      ])
      clearTimeout(timer)
    }
  } finally {
    clearInterval(keepAlive)
    closing.removeEventListener('abort', end)
    unsubscribe()
  }
}

/** `GET /api/v1/events`: server-sent events of the caller's organisation, from `Last-Event-ID` on, or from now. */
export function eventRoutes(context: Context): Router {
  const router = Router()
  router.get('/api/v1/events', async (request, response) => {
    const actor = await resolveActor(context, request)
    if (actor === null) throw new HelixError('not_signed_in')
    const count = open.get(actor.userId) ?? 0
    if (count >= connectionsPerUser) throw new HelixError('rate_limited', 'Too many event streams are open: close some tabs.')
    const asked = request.header('last-event-id') ?? request.query.lastEventId
    const from = asked === undefined ? await newestEventId(context.db, actor.orgId) : Number(asked)
    if (!Number.isSafeInteger(from) || from < 0)
      throw new HelixError('invalid_request', 'Last-Event-ID must be a number that this stream sent.')
    open.set(actor.userId, count + 1)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    response.write('retry: 1000\n\n')
    try {
      await stream(context, actor.orgId, from, response)
    } catch (error) {
      context.log.warn({ err: error }, 'event stream ended')
    } finally {
      open.set(actor.userId, (open.get(actor.userId) ?? 1) - 1)
      response.end()
    }
  })
  return router
}
