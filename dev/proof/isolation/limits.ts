import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getJournal } from '@helix/contract/sessions'
import type { Ground, Machine, Outcome, Try } from './ground.ts'
import { program } from './ground.ts'

const megabyte = 1024 ** 2

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim()

async function forkBomb({ attacker }: Ground): Promise<Outcome> {
  const bomb = attacker.agent('for i in $(seq 6000); do sleep 25 & done 2>/dev/null; wait', 40)
  let most = 0
  for (let look = 0; look < 8; look++) {
    await sleep(1000)
    most = Math.max(most, Number(docker('stats', '--no-stream', '--format', '{{.PIDs}}', attacker.container)))
  }
  await program('docker', ['exec', '--user', 'root', attacker.container, 'pkill', '-KILL', 'sleep'], 20_000)
  await bomb
  const well = await attacker.root('echo well', 30)
  return { held: most > 200 && most <= 2048 && well.out.endsWith('well'), seen: `${most} processes at most, then the session works` }
}

/** The kernel ends the program. Where the session's own kernel is one process of the machine (gVisor), it ends the whole session, which is resumed. */
async function memoryBomb(ground: Ground): Promise<Outcome> {
  const script = 'python3 -c "a=[]\nwhile True: a.append(bytearray(32<<20))"'
  const { code } = await ground.attacker.agent(script, 60)
  if (code === 0) return { held: false, seen: 'it got all it wanted' }
  const well = await ground.attacker.root('echo well', 30)
  if (well.out.endsWith('well')) return { held: code === 137, seen: `ended with ${code}, then the session works` }
  ground.attacker = await ground.again(ground.attacker)
  return { held: true, seen: 'the session ended by its limit, and was resumed' }
}

async function logFlood({ attacker }: Ground): Promise<Outcome> {
  await attacker.root('head -c 40000000 /dev/zero | tr "\\0" x | fold -w 120 >/proc/1/fd/1', 60)
  const path = docker('inspect', '-f', '{{.LogPath}}', attacker.container)
  const all = readdirSync(dirname(path)).filter((name) => name.includes('-json.log'))
  const bytes = all.reduce((sum, name) => sum + statSync(join(dirname(path), name)).size, 0)
  return { held: bytes > megabyte && bytes < 11 * megabyte, seen: `${(bytes / megabyte).toFixed(1)} MiB kept of 40` }
}

async function hugeFile({ attacker }: Ground): Promise<Outcome> {
  const script =
    'fallocate -l 100G /workspace/huge; truncate -s 100G /workspace/huge; stat -c %s /workspace/huge; rm -f /workspace/huge; echo tried'
  const { out } = await attacker.root(script)
  const size = Number(out.split('\n').findLast((line) => /^\d+$/.test(line)) ?? 0)
  return { held: out.includes('tried') && size <= 1024 * megabyte, seen: `${(size / megabyte).toFixed(0)} MiB long` }
}

/** Fills the disk until the session is suspended, with the reason in its conversation. */
async function fill(ground: Ground, machine: Machine, script: string, word: string): Promise<Outcome> {
  const begun = Date.now()
  await machine.root(script, 120)
  const gone = async () => (await program('docker', ['inspect', machine.container], 10_000)).code !== 0
  for (const end = Date.now() + 40_000; !(await gone()) && Date.now() < end; ) await sleep(500)
  if (!(await gone())) return { held: false, seen: 'the session goes on' }
  const seconds = Math.round((Date.now() - begun) / 1000)
  const { entries } = await ground.scratch.call(getJournal, { params: { sessionId: machine.session.id }, query: {} })
  const told = JSON.stringify(entries).includes(word)
  return { held: told, seen: told ? `suspended after ${seconds} s, and told why` : 'suspended, and not told why' }
}

/** In the workspace: on gVisor files elsewhere are none of the machine's. */
async function manyFiles(ground: Ground): Promise<Outcome> {
  const script =
    "python3 -c \"import os\nfor d in range(300):\n os.mkdir(f'/workspace/d{d}')\n for f in range(1000): open(f'/workspace/d{d}/{f}','w').close()\""
  return fill(ground, await ground.begin('filler'), script, 'files that')
}

/** Likewise; then the session is resumed above its limit, to clear up in. */
async function manyBytes(ground: Ground): Promise<Outcome> {
  const script = 'for part in $(seq 30); do head -c 100M /dev/zero >/workspace/part$part; done; sleep 30'
  const outcome = await fill(ground, ground.attacker, script, 'of disk')
  if (!outcome.held) return outcome
  ground.attacker = await ground.again(ground.attacker)
  const { out } = await ground.attacker.root('rm -f /workspace/part*; echo cleared')
  return { held: out === 'cleared', seen: `${outcome.seen}; resumed and cleared up` }
}

export const limits: Try[] = [
  { name: 'fork bomb', run: forkBomb },
  { name: 'memory bomb', run: memoryBomb },
  { name: 'log flood', run: logFlood },
  { name: 'one file of 100 GB', run: hugeFile },
  { name: '300,000 files', run: manyFiles },
  { name: '3 GB in files of 100 MB', run: manyBytes },
]
