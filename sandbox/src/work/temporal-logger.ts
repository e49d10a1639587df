import type { Logger as TemporalLogger } from '@temporalio/worker'
import type { Logger } from 'pino'

/** Said at each start of a worker for activities only, as a warning. */
const expected = /^No workflows registered/

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const

/** What Temporal's SDK has to say, among our own lines. Its information is our debugging. */
export function temporalLogger(log: Logger): TemporalLogger {
  const child = log.child({ from: 'temporal' })
  const write = (level: keyof typeof levels, message: string, meta: object = {}): void =>
    child[expected.test(message) ? 'debug' : levels[level]](meta, message)
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  }
}
