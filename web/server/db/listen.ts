import pg from 'pg'
import type { Logger } from 'pino'

export interface Listener {
  onPayload(payload: string): void
  /** Now and after each reconnection: what was told in between is lost. */
  onListening(): void
}

/** Units: milliseconds. */
const firstDelayMs = 500
const longestDelayMs = 15_000

/**
 * Hears PostgreSQL's NOTIFY on a connection of its own and comes back after a cut. A pooler in transaction mode delivers nothing here: whoever
 * listens also looks by itself now and then.
 */
export function listenTo(url: string, channel: string, listener: Listener, log: Logger): AsyncDisposable {
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let failures = 0

  const again = (error?: unknown): void => {
    if (stopped || timer !== undefined) return
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** failures++)
    log.warn({ err: error, delay }, 'not listening to the database; trying again')
    timer = setTimeout(() => {
      timer = undefined
      void connect()
    }, delay)
  }
  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: url, keepAlive: true })
    client = next
    next.on('notification', ({ payload }) => listener.onPayload(payload ?? ''))
    next.on('error', (error) => again(error))
    next.on('end', () => again())
    try {
      await next.connect()
      await next.query(`listen ${channel}`)
      failures = 0
      listener.onListening()
    } catch (error) {
      again(error)
      // A connection that is half open must not stay.
      next.end().catch(() => undefined)
    }
  }
  void connect()
  const dispose = async (): Promise<void> => {
    stopped = true
    clearTimeout(timer)
    await client?.end().catch(() => undefined)
  }
  return { [Symbol.asyncDispose]: dispose }
}
