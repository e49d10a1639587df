import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Secrets {
  encryptionKey: string
  runnerToken: string
  workerToken: string
  /** Tells this installation's containers from another's on the same engine. Not a secret. */
  installation: string
}

/** Local mode makes its own secrets once and keeps them, mode 0600, in the data folder. */
export function keepSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Secrets
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
  const secrets: Secrets = { encryptionKey: hex(32), runnerToken: hex(32), workerToken: hex(32), installation: hex(6) }
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, JSON.stringify(secrets), { mode: 0o600, flush: true })
  renameSync(partial, file)
  return secrets
}
