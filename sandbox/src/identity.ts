import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type HostId, idSchema } from '@helix/contract/ids'
import { typeid } from 'typeid-js'

export interface Identity {
  hostId: HostId
  /** New at each start. */
  bootId: string
  /**
   * The secret that opens the link to the supervisor of one start of one session. It follows from the host's key, so that the next boot of
   * this host can dial the containers of this one without anything stored for each.
   */
  linkSecret(sessionId: string, epoch: number): string
}

/** Reads this host's id and key from its state folder; the first start makes them. */
export async function loadIdentity(stateDir: string): Promise<Identity> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const hostId = idSchema('host').parse(await keep(join(stateDir, 'id'), () => typeid('hst').toString()))
  const key = await keep(join(stateDir, 'link.key'), () => randomBytes(32).toString('hex'))
  return {
    hostId,
    bootId: `${Date.now().toString(36)}${randomBytes(4).toString('hex')}`,
    linkSecret: (sessionId, epoch) => createHmac('sha256', key).update(`${sessionId}/${epoch}`).digest('hex'),
  }
}

async function keep(path: string, make: () => string): Promise<string> {
  const found = (await readFile(path, 'utf8').catch(missing))?.trim()
  // An empty file is what a power loss leaves of one that was just made.
  if (found !== undefined && found !== '') return found
  const made = make()
  const draft = join(dirname(path), `.${process.pid}.draft`)
  await writeFile(draft, `${made}\n`, { mode: 0o600 })
  await rename(draft, path)
  return made
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
