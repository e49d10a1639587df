import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** When the process began, as the kernel counts: with the number it names one process for ever. Empty where /proc does not say. */
function beginningOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    // Another system, or the process is gone: the number alone decides.
    return ''
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function holderOf(file: string): number | null {
  try {
    const [number, beginning = ''] = readFileSync(file, 'utf8').split(' ')
    const pid = Number(number)
    return Number.isInteger(pid) && pid > 0 && alive(pid) && beginning === beginningOf(pid) ? pid : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Who runs this installation now, or null. */
export function runningPid(dataDir: string): number | null {
  return holderOf(join(dataDir, 'helix.pid'))
}

/** One `npm start` per data folder. A lock whose holder is dead is taken over. */
export function takeLock(dataDir: string): Disposable {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'helix.pid')
  const holder = holderOf(file)
  if (holder !== null && holder !== process.pid) {
    throw new Error(
      `Helix already runs on ${dataDir} as process ${holder}: stop it, or set HELIX_DATA_DIR and PORT for a second installation`,
    )
  }
  rmSync(file, { force: true })
  writeFileSync(file, `${process.pid} ${beginningOf(process.pid)}`, { flag: 'wx', mode: 0o600 })
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
}
