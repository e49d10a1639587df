import { readdir, readFile } from 'node:fs/promises'

export interface ProcessRow {
  pid: number
  parent: number
  group: number
  session: number
  /** Units: clock ticks after boot; with the pid it names one process for ever. */
  started: string
  name: string
}

/** Every process in this PID namespace. */
export async function readProcesses(): Promise<ProcessRow[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const rows = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').then(parseStat, () => undefined)))
  return rows.filter((row) => row !== undefined)
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name stands in parentheses and may hold any character. */
export function parseStat(stat: string): ProcessRow | undefined {
  const open = stat.indexOf('(')
  const close = stat.lastIndexOf(')')
  const fields = stat.slice(close + 2).split(' ')
  const [state, parent, group, session] = fields
  // A zombie has ended already.
  if (open === -1 || state === 'Z' || session === undefined) return undefined
  return {
    pid: Number(stat.slice(0, open - 1)),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    started: fields[19] ?? '',
    name: stat.slice(open + 1, close),
  }
}

/** A process and everything below it, by parenthood and by session: children of a dead parent keep their session. */
export function familyOf(root: number, rows: readonly ProcessRow[]): ProcessRow[] {
  const family = new Set([root])
  for (let grown = true; grown; ) {
    grown = false
    for (const row of rows) {
      if (family.has(row.pid) || !(family.has(row.parent) || row.session === root || row.group === root)) continue
      family.add(row.pid)
      grown = true
    }
  }
  return rows.filter((row) => family.has(row.pid))
}

const shells = new Set(['sh', 'bash', 'dash', 'zsh', 'fish', 'ash'])

export function isShell(row: ProcessRow): boolean {
  return shells.has(row.name)
}

/** The same process is still there, not another one with its number. */
export function isSame(row: ProcessRow, rows: readonly ProcessRow[]): boolean {
  return rows.some((other) => other.pid === row.pid && other.started === row.started)
}

/** Ends processes that are still the ones that were seen. */
export async function killAll(rows: readonly ProcessRow[]): Promise<number> {
  const now = await readProcesses()
  let killed = 0
  for (const row of rows) {
    if (!isSame(row, now)) continue
    try {
      process.kill(row.pid, 'SIGKILL')
      killed += 1
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  return killed
}
