import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { clientGit, openTestFolder } from '../../server/git/testing.ts'
import { kill, remoteOf, start } from './running.ts'

const mebibyte = 1024 * 1024

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) * 1024
}

/** The largest resident size while `work` runs. Units: bytes. */
async function peakDuring(pid: number, work: Promise<unknown>): Promise<number> {
  let peak = residentBytes(pid)
  let running = true
  const done = work.finally(() => {
    running = false
  })
  while (running) {
    peak = Math.max(peak, residentBytes(pid))
    await wait(20)
  }
  await done
  return peak
}

async function makeRepository(folder: string, mebibytes: number): Promise<void> {
  await mkdir(folder)
  await clientGit(folder, 'init', '-q')
  for (let index = 0; index < mebibytes; index += 5) {
    await writeFile(join(folder, `${index}.bin`), randomFillSync(Buffer.alloc(5 * mebibyte)))
  }
  await clientGit(folder, 'add', '-A')
  await clientGit(folder, 'commit', '-q', '-m', 'large')
}

test.skipIf(process.platform !== 'linux')('a push and a clone of 200 MB grow the control plane by at most 50 MB', async () => {
  await using folder = await openTestFolder()
  const large = join(folder.path, 'large')
  await makeRepository(large, 200)
  const running = await start(folder.path)
  const pid = running.child.pid ?? 0
  const remote = remoteOf(running.seed)
  // What any first push and clone load is not the growth of a large one.
  await clientGit(folder.path, 'clone', '-q', remote, 'small')
  await clientGit(join(folder.path, 'small'), 'push', '-q', 'origin', 'HEAD:small')
  await wait(1000)
  const before = residentBytes(pid)
  const pushPeak = await peakDuring(pid, clientGit(large, 'push', '-q', remote, 'HEAD:large'))
  const clonePeak = await peakDuring(pid, clientGit(folder.path, 'clone', '-q', '--bare', '--single-branch', '-b', 'large', remote, 'copy'))
  await kill(running)
  const grown = (peak: number): number => Math.round((peak - before) / mebibyte)
  console.log(
    `resident before ${Math.round(before / mebibyte)} MiB, grown by ${grown(pushPeak)} MiB in the push, ${grown(clonePeak)} MiB in the clone`,
  )
  expect(grown(pushPeak)).toBeLessThanOrEqual(50)
  expect(grown(clonePeak)).toBeLessThanOrEqual(50)
})
