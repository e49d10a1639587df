import { execFile } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createApiKey } from '@helix/contract/identity'
import { createRepository } from '@helix/contract/repositories'
import { say } from '../setup/progress.mjs'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import type { Figures } from './figures.ts'
import { residentMb } from './footprint.ts'

const run = promisify(execFile)
/** Units: MB. */
const size = 200
const fileSize = 5

async function git(folder: string, ...args: string[]): Promise<void> {
  const identity = ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0']
  await run('git', [...identity, ...args], { cwd: folder })
}

/** Random bytes: what cannot be compressed is sent in full. */
async function makeRepository(folder: string): Promise<void> {
  mkdirSync(folder)
  await git(folder, 'init', '-q')
  for (let index = 0; index < size / fileSize; index++)
    writeFileSync(join(folder, `${index}.bin`), randomFillSync(Buffer.alloc(fileSize * 1024 * 1024)))
  await git(folder, 'add', '-A')
  await git(folder, 'commit', '-q', '-m', 'large')
}

/** The largest resident size of the control plane while `work` runs, in MB. */
async function peakDuring(scratch: Scratch, work: Promise<void>): Promise<number> {
  const pid = scratch.stack.process('control-plane').pid ?? 0
  let peak = residentMb(pid)
  let running = true
  const done = work.finally(() => {
    running = false
  })
  while (running) {
    peak = Math.max(peak, residentMb(pid))
    await sleep(20)
  }
  await done
  return peak
}

/** How far the control plane grows while a repository of 200 MB is pushed over smart HTTP, and cloned again. */
export async function bench(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'helix-push-'))
  await using scratch = await openScratch(say)
  try {
    const large = join(folder, 'large')
    await makeRepository(large)
    const { secret } = await scratch.call(createApiKey, { body: { name: 'bench' } })
    const repository = await scratch.call(createRepository, { body: { name: 'large', source: { kind: 'sample' } } })
    const remote = `${scratch.stack.url.replace('://', `://helix:${secret}@`)}${repository.clonePath}`
    // What any first clone and push load is not the growth of a large one.
    await git(folder, 'clone', '-q', remote, 'small')
    await git(join(folder, 'small'), 'push', '-q', 'origin', 'HEAD:small')
    await sleep(2000)
    const before = residentMb(scratch.stack.process('control-plane').pid ?? 0)
    const pushing = Date.now()
    const pushPeak = await peakDuring(scratch, git(large, 'push', '-q', remote, 'HEAD:large'))
    const pushSeconds = (Date.now() - pushing) / 1000
    const clonePeak = await peakDuring(scratch, git(folder, 'clone', '-q', '--bare', '--single-branch', '-b', 'large', remote, 'copy'))
    return {
      'growth while 200 MB are pushed': { value: Math.max(0, pushPeak - before), unit: 'MB', bar: 50 },
      'growth while 200 MB are cloned': { value: Math.max(0, clonePeak - before), unit: 'MB', bar: null },
      'control plane before': { value: before, unit: 'MB', bar: null },
      'push of 200 MB': { value: pushSeconds, unit: 's', bar: null },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
