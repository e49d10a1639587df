import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { HelixError } from '@helix/contract/errors'
import type { HostId, SessionId } from '@helix/contract/ids'
import { type HostDown, supervisorPort } from '@helix/contract/link'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { silentAfter } from '../hosts/store.ts'
import { upgrade } from './splice.ts'
import { HostLinkStore, leaseSeconds, type Whereabouts } from './store.ts'

/** Units: milliseconds. */
const deadlineMs = 5000
const comingMs = 5000
const lookEveryMs = 200

interface Held {
  epoch: number
  /** Of the credential that opened the link; null: the token of all. */
  credential: string | null
  send(frame: HostDown): void
}

interface Pending {
  /** Whose session was dialled: no other host carries it. */
  hostId: HostId
  resolve(bytes: Duplex): void
  reject(error: HelixError): void
}

/** A dialled session. */
export interface Dialled {
  bytes: Duplex
  epoch: number
}

/** Ways into the machines of sessions, over the links of their hosts, wherever those end. */
export class Tunnels implements AsyncDisposable {
  private readonly config: Pick<Config, 'internalUrl' | 'HELIX_WORKER_TOKEN'>
  private readonly log: Logger
  readonly store: HostLinkStore
  private readonly held = new Map<HostId, Held>()
  private readonly pending = new Map<string, Pending>()
  private readonly claims = new EventEmitter().setMaxListeners(0)
  private readonly timer: NodeJS.Timeout

  constructor(db: Knex, config: Pick<Config, 'internalUrl' | 'HELIX_WORKER_TOKEN'>, log: Logger) {
    this.store = new HostLinkStore(db)
    this.config = config
    this.log = log
    this.timer = setInterval(() => void this.renew(), (leaseSeconds * 1000) / 4)
    this.timer.unref()
  }

  /** A host's link ends here from now on; the answer forgets it. */
  async hold(hostId: HostId, { epoch, credential, send }: Held): Promise<() => void> {
    const held = { epoch, credential, send }
    this.held.set(hostId, held)
    await this.store.hold(hostId, epoch, this.config.internalUrl)
    return () => {
      if (this.held.get(hostId) !== held) return
      this.held.delete(hostId)
      // Nobody counts on the row after its lease.
      void this.store.release(hostId, epoch).catch(() => undefined)
    }
  }

  /** Tells the host to begin a session that has its place there; false: its link ends at another replica, which hears of the place by the database. */
  announce(hostId: HostId, sessionId: SessionId, epoch: number): boolean {
    const held = this.held.get(hostId)
    held?.send({ type: 'start', sessionId, epoch, reason: epoch === 0 ? 'first start' : 'resumed' })
    return held !== undefined
  }

  /** A host took the session: whoever waits for that goes on. */
  claimed(sessionId: SessionId): void {
    this.claims.emit(sessionId)
  }

  /** Whether the host's link ends here, and was opened with the credential of this hash. */
  opened(hostId: string, credential: string): boolean {
    return this.held.get(hostId as HostId)?.credential === credential
  }

  /** False: the link of the host does not end here. */
  sendTo(hostId: HostId, frame: HostDown): boolean {
    const held = this.held.get(hostId)
    held?.send(frame)
    return held !== undefined
  }

  /** Bytes to and from the session's supervisor. Throws with what keeps it away and the way out. */
  async dial(sessionId: SessionId): Promise<Dialled> {
    const where = await this.whereabouts(sessionId)
    const { hostId, hostName, address, epoch } = where
    if (hostId !== null && this.held.has(hostId)) return { bytes: await this.dialHeld(hostId, hostName, dialOf(where)), epoch }
    return { bytes: await this.askHolder(address, hostName, `tunnels/${sessionId}`), epoch }
  }

  /** For another replica, which found that the link ends here. */
  async dialHere(sessionId: SessionId): Promise<Duplex> {
    const where = await this.whereabouts(sessionId)
    if (where.hostId === null || !this.held.has(where.hostId))
      throw new HelixError('machine_unavailable', `The sandbox host ${where.hostName} connects anew: try again.`)
    return this.dialHeld(where.hostId, where.hostName, dialOf(where))
  }

  /** Where a session runs, once it does; throws with what keeps it away and the way out. */
  async locate(sessionId: SessionId): Promise<Whereabouts & { hostId: HostId }> {
    return this.whereabouts(sessionId)
  }

  /** Bytes to and from the stream server of a host, wherever its link ends. */
  async dialStream(hostId: HostId): Promise<Duplex> {
    if (this.held.has(hostId)) return this.dialStreamHere(hostId)
    return this.askHolder(await this.store.holderOf(hostId), hostId, `streams/${hostId}`)
  }

  /** For another replica, which found that the link ends here. */
  async dialStreamHere(hostId: HostId): Promise<Duplex> {
    if (!this.held.has(hostId)) throw new HelixError('machine_unavailable', `The sandbox host ${hostId} connects anew: try again.`)
    return this.dialHeld(hostId, hostId, (tunnelId) => ({ type: 'dialStream', tunnelId }))
  }

  /** The host dialled a tunnel that was asked for here; false: not by this process. */
  accept(tunnelId: string, hostId: string, bytes: () => Duplex): boolean {
    const pending = this.pending.get(tunnelId)
    if (pending?.hostId !== hostId) return false
    this.pending.delete(tunnelId)
    pending.resolve(bytes())
    return true
  }

  refused(tunnelId: string, reason: string): void {
    this.pending.get(tunnelId)?.reject(new HelixError('machine_unavailable', `${reason} Resume the session and try again.`))
    this.pending.delete(tunnelId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer)
    for (const [hostId, { epoch }] of this.held) await this.store.release(hostId, epoch).catch(() => undefined)
    this.held.clear()
  }

  private async askHolder(address: string | null, hostName: string | null, path: string): Promise<Duplex> {
    if (address === null || address === this.config.internalUrl)
      throw new HelixError('machine_unavailable', `The sandbox host ${hostName} has no connection now: try again in some seconds.`)
    const headers = { connection: 'Upgrade', upgrade: 'helix-tunnel', authorization: `Bearer ${this.config.HELIX_WORKER_TOKEN}` }
    return (await upgrade({ url: `${address}/internal/v1/${path}`, headers, deadlineMs: deadlineMs + 1000 })).socket
  }

  private dialHeld(hostId: HostId, hostName: string | null, frame: (tunnelId: string) => HostDown): Promise<Duplex> {
    // Chance: who knows the name of a tunnel may be its other end.
    const tunnelId = randomBytes(24).toString('base64url')
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(tunnelId)
        reject(
          new HelixError(
            'machine_unavailable',
            `The sandbox host ${hostName} did not connect in time: it may be older than this version, or busy.`,
          ),
        )
      }, deadlineMs)
      this.pending.set(tunnelId, {
        hostId,
        resolve: (bytes) => {
          clearTimeout(timer)
          resolve(bytes)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.held.get(hostId)?.send(frame(tunnelId))
    })
  }

  private async whereabouts(sessionId: SessionId): Promise<Whereabouts & { hostId: HostId }> {
    let where = await this.store.find(sessionId)
    // Its host is told: a machine that is about to be there is waited for.
    for (const end = Date.now() + comingMs; isComing(where) && Date.now() < end; where = await this.store.find(sessionId))
      await this.untilClaimed(sessionId)
    if (where === null) throw new HelixError('not_found')
    const { state, hostId, hostName, silentFor } = where
    if (state === 'stopped') throw new HelixError('conflict', 'The session has stopped: its machine is gone.')
    if (state === 'suspended') throw new HelixError('machine_unavailable', 'The session is suspended: resume it first.')
    if (state === 'queued' || hostId === null)
      throw new HelixError(
        'machine_unavailable',
        `The session has no machine yet${where.reason === null ? '' : ` (${where.reason})`}: resume it, or wait.`,
      )
    if (silentFor > silentAfter)
      throw new HelixError(
        'machine_unavailable',
        `The sandbox host ${hostName} is silent for ${Math.round(silentFor)} s. The session goes on when it is back, or elsewhere when it is lost.`,
      )
    return { ...where, hostId }
  }

  /** Or a moment: another replica may have taken the claim. */
  private untilClaimed(sessionId: SessionId): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer)
        this.claims.off(sessionId, go)
        resolve()
      }
      const timer = setTimeout(go, lookEveryMs)
      this.claims.once(sessionId, go)
    })
  }

  private async renew(): Promise<void> {
    for (const [hostId, { epoch }] of this.held) {
      try {
        await this.store.hold(hostId, epoch, this.config.internalUrl)
      } catch (error) {
        this.log.warn({ err: error, hostId }, 'the hold on a host link is not renewed')
      }
    }
  }
}

const dialOf =
  ({ sessionId, epoch }: Whereabouts) =>
  (tunnelId: string): HostDown => ({ type: 'dial', tunnelId, sessionId, epoch, port: supervisorPort })

const isComing = (where: Whereabouts | null): boolean => where?.coming === true && (where.state === 'queued' || where.state === 'suspended')
