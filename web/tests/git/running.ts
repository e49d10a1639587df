import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { OrgId, RepositoryId } from '@helix/contract/ids'

export interface Seed {
  person: { orgId: OrgId; slug: string; key: string; userId: string }
  repositoryId: RepositoryId
  url: string
}

/** A control plane of git in another process. */
export interface Running {
  child: ChildProcess
  lines: Interface
  seed: Seed
}

const program = new URL('./control-plane.ts', import.meta.url).pathname

export async function start(folder: string, mode = ''): Promise<Running> {
  const child = spawn(process.execPath, [program, folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return { child, lines, seed: JSON.parse(line) as Seed }
}

export async function kill({ child }: Running): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

export const remoteOf = ({ url, person }: Seed): string => `${url.replace('://', `://helix:${person.key}@`)}/git/${person.slug}/lib.git`
