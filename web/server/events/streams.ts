import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import type { Request, Response } from 'express'
import type { Context } from '../context.ts'
import { createGate } from '../git/gate.ts'
import type { Principal } from '../http/mount.ts'
import { resolvePrincipal } from '../identity/principal.ts'
import { Connection } from './connection.ts'
import { newestEventId } from './store.ts'
import { aliveAt, Tail, type TailParts } from './tail.ts'
import { Viewers } from './viewers.ts'

/** Units: milliseconds. */
const tickMs = 1000
const lookMs = 5000
const keepAliveMs = 15_000
const accessMs = 60_000
const patienceMs = 60_000
const lingerMs = 60_000
const readsAtOnce = 4

/** All event streams of this process: a tail for each organisation that somebody listens to, and one clock for all of them. */
export class EventStreams {
  private readonly context: Context
  private readonly parts: TailParts
  private readonly viewers: Viewers
  private readonly tails = new Map<OrgId, { tail: Promise<Tail>; open: Tail | null; unsubscribe: () => void }>()
  private readonly countOf = new Map<string, number>()
  private clock: NodeJS.Timeout | null = null
  private ticks = 0

  constructor(context: Context) {
    this.context = context
    this.viewers = new Viewers((headers) => resolvePrincipal(context, headers))
    const gate = createGate(readsAtOnce, Number.POSITIVE_INFINITY)
    this.parts = { db: context.db, log: context.log, gate, onAccessChanged: (orgId) => this.viewers.doubt(orgId) }
    context.streams.signal.addEventListener('abort', () => this.stop(), { once: true })
  }

  /** `asked`: the number after which to begin; null: from now on. */
  async open(request: Request, response: Response, principal: Principal, asked: number | null): Promise<void> {
    const { userId, orgId } = principal
    const count = this.countOf.get(userId) ?? 0
    if (count >= this.context.config.HELIX_EVENT_STREAMS_PER_USER)
      throw new HelixError('rate_limited', 'Too many event streams are open: close some tabs.')
    this.countOf.set(userId, count + 1)
    response.once('close', () => this.uncount(userId))
    const tail = await this.tailOf(orgId)
    const from = await this.beginning(tail, orgId, asked)
    if (response.destroyed) return
    if (this.context.streams.signal.aborted) return void response.status(503).end()
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    // Not all at the same moment after a restart.
    const retry = `retry: ${Math.round(500 + Math.random() * 1500)}\n\n`
    // From a number that this log never gave (another database under the same address), nothing can be continued.
    const missed = asked !== null && from < asked ? `id: ${from}\nevent: missed\ndata: {}\n\n` : ''
    response.write(retry + missed + aliveAt(from))
    const connection = new Connection(response, this.viewers.of(request.headers, principal), from)
    connection.viewer.connections.add(connection)
    response.once('close', () => this.remove(tail, connection))
    tail.add(connection)
  }

  private async beginning(tail: Tail, orgId: OrgId, asked: number | null): Promise<number> {
    if (asked === null) return tail.head
    if (asked <= tail.head) return asked
    // A page that was read a moment ago may be ahead of the tail.
    return Math.min(asked, await newestEventId(this.context.db, orgId))
  }

  private uncount(userId: string): void {
    const count = (this.countOf.get(userId) ?? 1) - 1
    if (count > 0) this.countOf.set(userId, count)
    else this.countOf.delete(userId)
  }

  private remove(tail: Tail, connection: Connection): void {
    connection.pause = 'ended'
    tail.connections.delete(connection)
    this.viewers.remove(connection)
  }

  private async tailOf(orgId: OrgId): Promise<Tail> {
    this.clock ??= setInterval(() => this.tick(), tickMs).unref()
    const known = this.tails.get(orgId)
    if (known !== undefined) {
      if (known.open !== null) known.open.usedAt = Date.now()
      return known.tail
    }
    const entry = { tail: Tail.open(this.parts, orgId), open: null as Tail | null, unsubscribe: () => {} }
    this.tails.set(orgId, entry)
    try {
      const tail = await entry.tail
      entry.open = tail
      entry.unsubscribe = this.context.bus.subscribe(orgId, (upTo) => tail.wake(upTo))
      // What was written while it opened woke nobody.
      tail.wake()
      return tail
    } catch (error) {
      this.tails.delete(orgId)
      throw error
    }
  }

  private tick(): void {
    this.ticks += 1
    const every = (ms: number): boolean => this.ticks % Math.round(ms / tickMs) === 0
    void this.viewers.check()
    for (const [orgId, { open: tail, unsubscribe }] of this.tails) {
      if (tail === null) continue
      if (tail.connections.size > 0) tail.usedAt = Date.now()
      if (Date.now() - tail.usedAt > lingerMs) {
        unsubscribe()
        this.tails.delete(orgId)
        continue
      }
      if (every(lookMs)) tail.wake()
      if (every(accessMs)) tail.refreshAccess().catch((error) => this.context.log.warn({ err: error }, 'access could not be read'))
      if (!every(keepAliveMs)) continue
      for (const connection of tail.connections)
        if (connection.blockedSince > 0 && Date.now() - connection.blockedSince > patienceMs) connection.cut()
      tail.keepAlive()
    }
  }

  private stop(): void {
    if (this.clock !== null) clearInterval(this.clock)
    for (const { open: tail, unsubscribe } of this.tails.values()) {
      unsubscribe()
      for (const connection of tail?.connections ?? []) connection.end()
    }
    this.tails.clear()
  }
}
