import { readFileSync, rmSync, writeFileSync } from 'node:fs'

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

/** The living process that wrote the lock; after a restart of the machine its number may be another's. */
function holder(file: string): number | null {
  try {
    const [number, beginning = ''] = readFileSync(file, 'utf8').split(' ')
    const pid = Number(number)
    if (!Number.isInteger(pid) || pid <= 0) return null
    process.kill(pid, 0)
    return beginning === beginningOf(pid) ? pid : null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    if (code === 'EPERM') return -1
    throw error
  }
}

/** PGlite takes no lock on its folder, and two processes on one folder destroy it. A lock left by a dead process is taken over. */
export function lockFolder(file: string): Disposable {
  const pid = holder(file)
  if (pid !== null && pid !== process.pid)
    throw new Error(`the embedded database is used by process ${pid}: stop it, or set HELIX_DATA_DIR or DATABASE_URL`)
  rmSync(file, { force: true })
  writeFileSync(file, `${process.pid} ${beginningOf(process.pid)}`, { flag: 'wx', mode: 0o600 })
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
}
