import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AgentRuntime } from '@helix/contract/agents'
import { catalogue } from '../../src/packs/catalogue.ts'

const cache = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'agent-packs')

/** The real agent pack from npm, installed once on this machine. Answers with the folder that holds the packs. */
export async function ensurePack(runtime: AgentRuntime): Promise<string> {
  const { name, version } = catalogue[runtime]
  const packs = join(cache, version)
  const folder = join(packs, runtime)
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}`
    await mkdir(partial, { recursive: true })
    await promisify(execFile)('npm', ['install', '--prefix', partial, '--no-audit', '--no-fund', `${name}@${version}`], {
      timeout: 240_000,
    })
    // Another run may have been faster.
    await rename(partial, folder).catch(() => rm(partial, { recursive: true, force: true }))
  }
  return packs
}
