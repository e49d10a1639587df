import { randomBytes } from 'node:crypto'
import { createClient } from '@helix/contract/client'
import { HelixError } from '@helix/contract/errors'
import type { HostLogs as Answer, LogQuery } from '@helix/contract/host-logs'
import type { HostId } from '@helix/contract/ids'
import { readHostLogs } from '@helix/contract/internal'
import type { Config } from '../../config.ts'
import type { Tunnels } from '../../tunnels/tunnels.ts'

/** Units: milliseconds. */
const deadlineMs = 5000
/** Questions under way at once. */
const mostPending = 200

interface Pending {
  /** Only who was asked answers. */
  hostId: HostId
  resolve(answer: Answer): void
}

/** Asks hosts for lines of their logs, over their links, wherever those end. */
export class HostLogs {
  private readonly tunnels: Pick<Tunnels, 'sendTo' | 'store'>
  private readonly config: Pick<Config, 'internalUrl' | 'HELIX_WORKER_TOKEN'>
  private readonly pending = new Map<string, Pending>()

  constructor(tunnels: Pick<Tunnels, 'sendTo' | 'store'>, config: Pick<Config, 'internalUrl' | 'HELIX_WORKER_TOKEN'>) {
    this.tunnels = tunnels
    this.config = config
  }

  /** Throws with what keeps the host away. */
  async read(hostId: HostId, name: string, query: LogQuery): Promise<Answer> {
    const here = this.readHere(hostId, query)
    if (here !== null) return here
    const address = await this.tunnels.store.holderOf(hostId)
    if (address === null || address === this.config.internalUrl)
      throw new HelixError('machine_unavailable', `${name} is not linked now: its log is on its own machine.`)
    const call = createClient({ baseUrl: address, token: this.config.HELIX_WORKER_TOKEN })
    return call(readHostLogs, { params: { hostId }, query, signal: AbortSignal.timeout(deadlineMs + 2000) })
  }

  /** Null: the link of the host does not end here. */
  readHere(hostId: HostId, query: LogQuery): Promise<Answer> | null {
    if (this.pending.size >= mostPending) throw new HelixError('rate_limited', 'Many logs are being read: try again in some seconds.')
    const requestId = randomBytes(12).toString('base64url')
    if (!this.tunnels.sendTo(hostId, { type: 'logs', requestId, ...query })) return null
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(requestId)
        reject(new HelixError('machine_unavailable', 'The host did not answer in time: it is busy, or older than this version.'))
      }, deadlineMs)
      this.pending.set(requestId, {
        hostId,
        resolve: (answer) => {
          clearTimeout(timer)
          resolve(answer)
        },
      })
    })
  }

  answered(hostId: HostId, requestId: string, answer: Answer): void {
    const pending = this.pending.get(requestId)
    if (pending?.hostId !== hostId) return
    this.pending.delete(requestId)
    pending.resolve(answer)
  }
}
