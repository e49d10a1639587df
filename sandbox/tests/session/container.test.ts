import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SessionFile } from '@helix/contract/link'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Bench, branch, openBench, sessionOf } from './bench.ts'
import { inRepository } from './git-server.ts'
import { LinkClient } from './link-client.ts'
import { ensurePack } from './packs.ts'
import { lastText, type Move, type Script } from './scripted-model.ts'

/** The real image, with the rights that a host gives it on the plain rung. */
const rights = [
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'].map((name) => `--cap-add=${name}`),
]
const image = 'helix-session:dev'
let packs: string
let bench: Bench
let script: Script
let volume: string
const containers: string[] = []

const docker = async (...args: string[]) => (await promisify(execFile)('docker', args)).stdout.trim()

beforeAll(async () => {
  packs = await ensurePack('goose_code')
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, '..', '..', 'image', 'build.mjs')], { timeout: 280_000 })
}, 600_000)
beforeEach(async () => {
  bench = await openBench({ packs, script: (messages, request) => script(messages, request) })
  volume = await docker('volume', 'create', '--label', 'helix.test=session', `helix-test-${randomBytes(4).toString('hex')}`)
})
afterEach(async () => {
  for (const id of containers.splice(0)) await docker('rm', '--force', id)
  await docker('volume', 'rm', '--force', volume)
  await bench[Symbol.asyncDispose]()
})

async function start(
  epoch: number,
  change: Partial<SessionFile> = {},
): Promise<{ id: string; dial: (earlier?: LinkClient) => Promise<LinkClient> }> {
  const token = `token-${epoch}`
  bench.server.tokens.clear()
  bench.server.tokens.add(token)
  const file = join(bench.folder, 'session.json')
  await writeFile(file, JSON.stringify({ ...sessionOf(bench.server.port, token, epoch, 'host.docker.internal'), ...change }), {
    mode: 0o600,
  })
  const mounts = [`--volume=${volume}:/workspace`, `--volume=${join(packs, 'goose_code')}:/opt/agents/goose_code:ro`]
  const id = await docker(
    'create',
    '--init',
    '--label=helix.test=session',
    '--add-host=host.docker.internal:host-gateway',
    ...rights,
    ...mounts,
    image,
  )
  containers.push(id)
  await docker('cp', file, `${id}:/run/helix/session.json`)
  await docker('start', id)
  const address = await docker('inspect', '--format', '{{.NetworkSettings.IPAddress}}', id)
  return { id, dial: (earlier) => LinkClient.dial(7070, 'link-secret', { address, ...(earlier && { earlier }) }) }
}

async function exited(id: string): Promise<number> {
  return Number(await docker('wait', id))
}

test('the agent is nobody special, and what belongs to Helix is out of its reach', async () => {
  const commands = [
    'id -un',
    'cat /run/helix/session.json',
    'ls /workspace/.helix',
    'mv /workspace/.helix /workspace/moved',
    'rm -rf /workspace/.helix',
    'cat /proc/1/environ',
    'echo x > /opt/agents/goose_code/x',
    'npm --version',
    `touch here && git add -A && git commit -qm here && git push -q`,
  ]
  script = (messages): Move => {
    const done = messages.filter(({ role }) => role === 'tool').length
    const next = commands[done]
    return next === undefined ? { say: 'Done.' } : { run: `{ ${next}; } 2>&1; echo "code $?"` }
  }
  const { id, dial } = await start(1)
  const link = await dial()
  link.prompt('prm_1', 'Look around.')
  expect((await link.result('prm_1')).outcome).toBe('end_turn')
  const answers = link.texts('tool').filter((text) => text.includes('"completed"'))
  expect(answers[0]).toContain('agent')
  for (const answer of answers.slice(1, 7)) expect(answer).toMatch(/Permission denied|No such file|not permitted|Read-only/)
  for (const answer of answers.slice(7)) expect(answer).toContain('code 0')
  expect(inRepository(bench.repository, 'log', '-1', '--format=%s', branch)).toBe('here')
  link.send({ type: 'stop' })
  expect(await exited(id)).toBe(0)
  expect(await docker('logs', id)).not.toContain('token-1')
})

test('a killed container goes on in a new one over the same volume, with the same prompt', async () => {
  const reached = Promise.withResolvers<void>()
  script = (messages): Move | Promise<Move> => {
    const answered = messages.at(-1)?.role === 'tool'
    if (lastText(messages, 'user').includes('interrupted')) {
      return answered ? { say: 'Done.' } : { run: 'echo two >> steps.txt && git add -A && git commit -qm steps' }
    }
    if (!answered) return { run: 'echo one >> steps.txt' }
    reached.resolve()
    return new Promise<Move>(() => undefined)
  }
  const first = await start(1)
  const link = await first.dial()
  link.prompt('prm_1', 'Two steps.')
  await reached.promise
  await docker('kill', '--signal=KILL', first.id)
  const second = await start(2)
  const again = await second.dial(link)
  again.prompt('prm_1', 'Two steps.')
  expect((await again.result('prm_1')).outcome).toBe('end_turn')
  expect(inRepository(bench.repository, 'show', `${branch}:steps.txt`)).toBe('one\ntwo')
  expect(again.entries().filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
  expect(await docker('exec', second.id, 'sh', '-c', 'ps -eo stat= | grep -c Z || true')).toBe('0')
})

test('a session that cannot start stays up, small, and says why', async () => {
  const { id, dial } = await start(1, { agentRuntime: 'claude_code' })
  const link = await dial()
  const status = await link.state('broken')
  expect(status).toMatchObject({ message: expect.stringMatching(/./) })
  link.prompt('prm_1', 'Anything.')
  expect(await link.result('prm_1')).toMatchObject({ outcome: 'error', retryable: true })
  const supervisor = await docker('exec', id, 'pgrep', '-f', '-o', '^/opt/helix/node')
  // Its own memory: how much of Node's program file is mapped is the kernel's choice, and shared by all sessions.
  const memory = await docker('exec', id, 'grep', 'RssAnon', `/proc/${supervisor}/status`)
  expect(Number(/\d+/.exec(memory)?.[0])).toBeLessThan(40 * 1024)
  await docker('stop', id)
  expect(await exited(id)).toBe(0)
})
