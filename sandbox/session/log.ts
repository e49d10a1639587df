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

/** What went wrong, for people: the message alone. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
