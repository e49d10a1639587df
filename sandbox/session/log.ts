import type { Redactor } from './redactor.ts'

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
}

/** JSON lines on standard output for `docker logs`. Its own few lines, because a logger's library would be a tenth of the memory allowed here. */
export function createLog(write: (line: string) => void = (line) => process.stdout.write(line)): Log {
  const say = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    write(`${JSON.stringify({ level, time: new Date().toISOString(), message, ...fields })}\n`)
  return { info: say('info'), warn: say('warn') }
}

/** The same log with everything in it blacked out that nobody is to read. */
export function redacting(log: Log, redactor: Redactor): Log {
  return {
    info: (message, fields) => log.info(redactor.text(message), redactor.deep(fields)),
    warn: (message, fields) => log.warn(redactor.text(message), redactor.deep(fields)),
  }
}

/** What went wrong, for people: the message alone. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
