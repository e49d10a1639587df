import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const cache = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'agent-packs')
const packages = { goose_code: '@aaif/goose-acp@1.50.0', claude_code: '@agentclientprotocol/claude-agent-acp@0.101.0' }

/** The real agent pack from npm, installed once on this machine. Answers with the folder that holds the packs. */
export async function ensurePack(runtime: keyof typeof packages): Promise<string> {
  const folder = join(cache, runtime)
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}`
    await mkdir(partial, { recursive: true })
    await promisify(execFile)('npm', ['install', '--prefix', partial, '--no-audit', '--no-fund', packages[runtime]], { timeout: 240_000 })
    // Another run may have been faster.
    await rename(partial, folder).catch(() => rm(partial, { recursive: true, force: true }))
  }
  return cache
}
