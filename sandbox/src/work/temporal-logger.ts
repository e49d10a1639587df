import type { Logger as TemporalLogger } from '@temporalio/worker'
import type { Logger } from 'pino'

/** Said at each start of a worker for activities only, as a warning. */
const expected = /^No workflows registered/

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const

/** Units: milliseconds. The SDK says at each poller's each try that a server is away. */
const sameAgainAfterMs = 60_000

/** What Temporal's SDK has to say, among our own lines. Its information is our debugging. */
export function temporalLogger(log: Logger): TemporalLogger {
  const child = log.child({ from: 'temporal' })
  const said = new Map<unknown, number>()
  const isRepetition = ({ target }: { target?: unknown }): boolean => {
    if (target === undefined || Date.now() - (said.get(target) ?? 0) > sameAgainAfterMs) {
      if (target !== undefined) said.set(target, Date.now())
      return false
    }
    return true
  }
  const write = (level: keyof typeof levels, message: string, meta: object = {}): void => {
    const quiet = expected.test(message) || (level === 'WARN' && isRepetition(meta))
    child[quiet ? 'debug' : levels[level]](meta, message)
  }
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  }
}
