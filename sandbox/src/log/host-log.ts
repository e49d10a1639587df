import { type HostLogs, keptLogLines, type LogLine, type LogQuery, logLevels, longestLogLine } from '@helix/contract/host-logs'
import { Redactor } from '../../session/redactor.ts'

/** What looks like a key, a credential or a password, whoever it belongs to. */
const secretLooks: readonly [RegExp, string][] = [
  [/\b(hx[a-z]?_)[\w-]{12,}/g, '$1…'],
  [/\b(Bearer |Basic )[\w.~+/=-]{8,}/gi, '$1…'],
  [/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1…@'],
]

/** Level of pino's numbers. */
const levelOf = (level: unknown): LogLine['level'] => {
  const number = Number(level)
  return number >= 50 ? 'error' : number >= 40 ? 'warn' : number >= 30 ? 'info' : 'debug'
}

/** A line of pino as people read it: the message, and what else it says. */
function lineOf(json: string, n: number): LogLine {
  try {
    const {
      level,
      time,
      msg,
      pid: _,
      hostname: __,
      room: ___,
      hostId: ____,
      bootId: _____,
      err,
      ...rest
    } = JSON.parse(json) as Record<string, unknown>
    const reason = (err as { message?: unknown } | undefined)?.message
    const more = { ...rest, ...(reason === undefined ? {} : { reason }) }
    const text = [String(msg ?? ''), ...(Object.keys(more).length === 0 ? [] : [JSON.stringify(more)])].join(' ')
    return { n, at: new Date(Number(time)).toISOString(), level: levelOf(level), text }
  } catch {
    // Not of the logger: told as it is.
    return { n, at: new Date().toISOString(), level: 'info', text: json.trim() }
  }
}

/** The last lines of this process, for administrators. A stream of pino's. */
export class HostLog {
  private readonly lines: LogLine[] = []
  private count = 0

  write(json: string): void {
    this.lines.push(lineOf(json, ++this.count))
    if (this.lines.length > keptLogLines) this.lines.shift()
  }

  /** Without an `after` the newest lines; after one that is not there yet, nothing. `secrets`: what this process opens doors with. */
  read(bootId: string, { after, level, limit }: LogQuery, secrets: readonly string[]): HostLogs {
    const least = logLevels.indexOf(level)
    const fit = this.lines.filter((line) => line.n > (after ?? 0) && logLevels.indexOf(line.level) >= least)
    const told = after === undefined ? fit.slice(-limit) : fit.slice(0, limit)
    const redactor = new Redactor(secrets.map((value) => ({ name: 'secret', value })))
    const lines = told.map((line) => ({ ...line, text: blackOut(redactor.text(line.text)).slice(0, longestLogLine) }))
    // All below it was looked at: an answer that is not full goes on after everything there is.
    return { bootId, lines, upTo: told.length === limit && after !== undefined ? (told.at(-1)?.n ?? 0) : this.count }
  }
}

const blackOut = (text: string): string => secretLooks.reduce((left, [look, shown]) => left.replaceAll(look, shown), text)
