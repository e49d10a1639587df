import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { lockFolder } from './lock.ts'

/** A Unix socket's path holds about 100 bytes; deep data folders get theirs in the temporary folder. */
function socketFolderOf(folder: string): string {
  const beside = `${folder}-socket`
  if (beside.length < 80) return beside
  return join(tmpdir(), `helix-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
}

/** A new folder is made beside and renamed, so that a death half way leaves no half database. */
async function initialise(folder: string): Promise<void> {
  if (existsSync(join(folder, 'PG_VERSION'))) return
  const draft = `${folder}.new`
  rmSync(draft, { recursive: true, force: true })
  const script = fileURLToPath(new URL('./pglite-init.ts', import.meta.url))
  await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script, draft])
  rmSync(folder, { recursive: true, force: true })
  renameSync(draft, folder)
}

/**
 * Embedded Postgres in a worker thread (in the main thread it starves the event loop) behind its socket server, spoken to by plain `pg`.
 */
export async function startPglite(folder: string): Promise<{ socketFolder: string } & AsyncDisposable> {
  const lock = lockFolder(`${folder}.pid`)
  await initialise(folder)
  const socketFolder = socketFolderOf(folder)
  rmSync(socketFolder, { recursive: true, force: true })
  mkdirSync(socketFolder, { recursive: true, mode: 0o700 })
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), {
    workerData: { folder, socket: join(socketFolder, '.s.PGSQL.5432') },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the embedded database ended with ${code} while starting`)))
  }).catch((error) => {
    lock[Symbol.dispose]()
    throw error
  })
  worker.on('error', (error) => {
    // Without its database the process is of no use: its supervisor starts it again.
    process.stderr.write(`${JSON.stringify({ level: 60, msg: 'the embedded database died', error: String(error) })}\n`)
    process.exit(1)
  })
  const dispose = async (): Promise<void> => {
    worker.postMessage('stop')
    await exited
    rmSync(socketFolder, { recursive: true, force: true })
    lock[Symbol.dispose]()
  }
  return { socketFolder, [Symbol.asyncDispose]: dispose }
}
