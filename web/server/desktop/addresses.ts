import { streamPath } from '@helix/contract/stream'
import type { Knex } from 'knex'
import type { Config } from '../config.ts'
import { desktopStore } from './store.ts'

/** Units: milliseconds. How old an answer about the hosts may be. */
const believedMs = 5000
/** A policy is a header, and headers have their limits. */
const mostOrigins = 100

const asSocket = (url: string): string => url.replace(/^http/, 'ws')

/** Where viewers find the desktop of a session, in the order to try. A page by https connects to nothing less. */
export function desktopUrls(
  config: Pick<Config, 'frontendUrl' | 'secure'>,
  hostId: string,
  sessionId: string,
  hostUrl: string | undefined,
) {
  const path = streamPath(hostId, sessionId)
  const relayed = { url: `${asSocket(config.frontendUrl)}${path}`, kind: 'relayed' as const }
  const reachable = hostUrl !== undefined && (!config.secure || hostUrl.startsWith('https:'))
  return reachable ? [{ url: `${asSocket(hostUrl)}${path}`, kind: 'direct' as const }, relayed] : [relayed]
}

/** Origins that our pages come from, for hosts that look at the origin of a viewer. */
export function pageOrigins(frontendUrl: string): string[] {
  const { origin, hostname } = new URL(frontendUrl)
  if (hostname !== 'localhost' && hostname !== '127.0.0.1') return [origin]
  return ['localhost', '127.0.0.1'].map((name) => origin.replace(`//${hostname}`, `//${name}`))
}

/** Origins that pages may open sockets to besides our own: those of the hosts' stream servers. */
export class StreamOrigins {
  private readonly db: Knex
  private asked: Promise<string[]> = Promise.resolve([])
  private at = Number.NEGATIVE_INFINITY

  constructor(db: Knex) {
    this.db = db
  }

  /** Never rejects: without an answer of the database viewers come through the control plane. */
  list(): Promise<string[]> {
    if (Date.now() - this.at < believedMs) return this.asked
    this.at = Date.now()
    this.asked = desktopStore.streamUrls(this.db).then(
      (urls) => [...new Set(urls.map(originOf).filter((origin) => origin !== null))].slice(0, mostOrigins),
      () => [],
    )
    return this.asked
  }
}

function originOf(url: string): string | null {
  const parsed = URL.parse(url)
  return parsed !== null && /^https?:$/.test(parsed.protocol) ? asSocket(parsed.origin) : null
}
