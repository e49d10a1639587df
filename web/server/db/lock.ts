import { readFileSync, rmSync, writeFileSync } from 'node:fs'

function holder(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    if (!Number.isInteger(pid) || pid <= 0) return null
    process.kill(pid, 0)
    return pid
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
  writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 })
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
}
