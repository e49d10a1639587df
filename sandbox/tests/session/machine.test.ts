import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecResult, Terminal } from '@helix/contract/machine-use'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type LinkServer, listen } from '../../session/link/server.ts'
import { Machine } from '../../session/machine/machine.ts'
import { listenersIn } from '../../session/machine/ports.ts'
import { Scrollback } from '../../session/machine/scrollback.ts'
import { readProcesses } from '../../session/process-table.ts'
import { Redactor } from '../../session/redactor.ts'
import type { AgentUser } from '../../session/user.ts'

const secret = 'swordfish-swordfish'
let folder: string
let workspace: string
let machine: Machine
let server: LinkServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hx-machine-'))
  workspace = join(folder, 'workspace')
  await mkdir(join(workspace, 'code'), { recursive: true })
  await mkdir(join(workspace, '.helix'), { recursive: true })
  await writeFile(join(workspace, '.helix', 'journal.jsonl'), 'private')
  await writeFile(join(folder, 'outside'), 'outside')
  const user: AgentUser = { ids: null, home: folder, env: { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8' } }
  const log = { info: () => undefined, warn: () => undefined }
  machine = new Machine({
    place: { user, cwd: join(workspace, 'code'), env: { TOKEN: secret } },
    workspace,
    recordings: join(workspace, '.helix', 'terminals'),
    port: () => server.port,
    redactor: new Redactor([{ name: 'TOKEN', value: secret }]),
    log,
  })
  const handler = { connected: () => undefined, received: () => undefined }
  const desktop = { upgrade: async () => undefined, peek: async () => undefined }
  server = await listen({ port: 0, server: null, secret: 'link', log, handler, machine, desktop, machineToken: 'm' })
})
afterAll(async () => {
  await machine.closeAll()
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { ...init, headers: { authorization: 'Bearer m' } })
const exec = async (body: object): Promise<ExecResult> =>
  (await ask('/exec', { method: 'POST', body: JSON.stringify(body) })).json() as Promise<ExecResult>
const codeOf = async (answer: Promise<Response>): Promise<string> =>
  ((await (await answer).json()) as { error: { code: string } }).error.code

test('a command answers with its streams, its code, and without secrets', async () => {
  const result = await exec({ command: 'cat; pwd; echo "$TOKEN" >&2; exit 3', stdin: 'hello\n' })
  expect(result).toMatchObject({ exitCode: 3, stdout: `hello\n${workspace}/code\n`, stderr: '[TOKEN]\n', truncated: false })
  expect((await exec({ command: 'kill -TERM $$' })).exitCode).toBe(143)
  expect((await exec({ command: 'no-such-program' })).exitCode).toBe(127)
})

/** Units: seconds; nobody else sleeps so long. */
const naps = Array.from({ length: 6 }, (_, index) => `${index}${Math.floor(1e6 * Math.random())}7`.replace(/^0/, '9'))

const sleepers = async (name = 'nothing'): Promise<number> => {
  const rows = await readProcesses()
  const lines = await Promise.all(rows.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(name)).length
}

test('a command whose time is over is ended with all that it started, also in sessions of their own', async () => {
  const result = await exec({ command: `setsid sleep ${naps[0]} & sleep ${naps[1]} & sleep ${naps[2]}`, timeoutMs: 600 })
  expect(result.exitCode).toBe(124)
  await sleep(200)
  expect([await sleepers(naps[0]), await sleepers(naps[1]), await sleepers(naps[2])]).toEqual([0, 0, 0])
})

test('a command is ended when nobody waits for it any more', async () => {
  const gone = new AbortController()
  const asked = ask('/exec', { method: 'POST', body: JSON.stringify({ command: `sleep ${naps[3]}` }), signal: gone.signal })
  while ((await sleepers(naps[3])) === 0) await sleep(20)
  gone.abort()
  await expect(asked).rejects.toThrow()
  for (let look = 0; look < 100 && (await sleepers(naps[3])) > 0; look++) await sleep(50)
  expect(await sleepers(naps[3])).toBe(0)
})

test('a flood of output is cut and says so; what is left running in the background does not hold the answer', async () => {
  const flood = await exec({ command: 'yes | head -c 30000000' })
  expect([flood.stdout.length, flood.truncated]).toEqual([1024 * 1024, true])
  expect(await exec({ command: 'sleep 30 & echo started' })).toMatchObject({ exitCode: 0, stdout: 'started\n' })
})

test('of a hundred commands at once some are told to wait and the others end well', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => ask('/exec', { method: 'POST', body: JSON.stringify({ command: 'sleep 5; echo x' }) })),
  )
  const counts = Map.groupBy(answers, ({ status }) => status)
  expect([...counts.keys()].sort()).toEqual([200, 429])
  expect(counts.get(200)?.length).toBeGreaterThanOrEqual(32)
})

test.each([
  ['not json', '{'],
  ['no command', '{}'],
  ['a timeout of a year', '{"command":"x","timeoutMs":31536000000}'],
])('nonsense is refused: %s', async (_, body) => {
  expect(await codeOf(ask('/exec', { method: 'POST', body }))).toBe('invalid_request')
})

test('a file goes up as a whole, is listed, and comes back', async () => {
  const bytes = Buffer.alloc(3_000_000, 7)
  const path = encodeURIComponent('code/new folder/data.bin')
  expect(await (await ask(`/files/content?path=${path}`, { method: 'PUT', body: bytes })).json()).toEqual({ size: bytes.length })
  const listed = (await (await ask(`/files?path=${encodeURIComponent('/workspace/code/new folder')}`)).json()) as { items: object[] }
  expect(listed.items).toMatchObject([{ name: 'data.bin', kind: 'file', size: bytes.length }])
  expect(Buffer.from(await (await ask(`/files/content?path=${path}`)).arrayBuffer()).equals(bytes)).toBe(true)
})

test('no path leads out of the workspace or to what the supervisor keeps', async () => {
  await symlink(join(folder, 'outside'), join(workspace, 'code', 'link'))
  await symlink(folder, join(workspace, 'code', 'folder-link'))
  for (const path of [
    '../outside',
    '/etc/passwd',
    'code/link',
    'code/folder-link/outside',
    '.helix/journal.jsonl',
    '/workspace/../outside',
  ]) {
    const place = encodeURIComponent(path)
    expect([path, await codeOf(ask(`/files/content?path=${place}`))]).toEqual([path, 'invalid_request'])
    expect([path, await codeOf(ask(`/files/content?path=${place}`, { method: 'PUT', body: 'x' }))]).toEqual([path, 'invalid_request'])
  }
  expect(await codeOf(ask('/files?path=code/folder-link'))).toBe('invalid_request')
  expect(await codeOf(ask('/files/content?path=code/nothing'))).toBe('not_found')
  expect(await codeOf(ask('/files/content?path=a%00b'))).toBe('invalid_request')
  const root = (await (await ask('/files')).json()) as { items: { name: string }[] }
  expect(root.items.map(({ name }) => name)).not.toContain('.helix')
  expect(await readFile(join(folder, 'outside'), 'utf8')).toBe('outside')
})

test('an upload that breaks off leaves nothing', async () => {
  const body = new ReadableStream({
    async pull(controller) {
      controller.enqueue(Buffer.alloc(100_000))
      await sleep(30)
      controller.error(new Error('gone'))
    },
  })
  const init = { method: 'PUT', body, duplex: 'half' } as RequestInit
  await expect(ask('/files/content?path=code/half.bin', init)).rejects.toThrow()
  await sleep(300)
  const { items } = (await (await ask('/files?path=code')).json()) as { items: { name: string }[] }
  expect(items.filter(({ name }) => name.includes('half'))).toEqual([])
})

const openTerminal = async (name: string): Promise<Terminal> =>
  (await (await ask('/terminals', { method: 'POST', body: JSON.stringify({ name }) })).json()) as Terminal

/** A viewer that keeps what it saw. */
async function view(id: string, after?: number) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/terminals/${id}/attach${after === undefined ? '' : `?after=${after}`}`, {
    headers: { authorization: 'Bearer m' },
  })
  const seen = { text: '', bytes: 0, frames: [] as { type: string; offset?: number; restart?: boolean; exitCode?: number }[] }
  socket.on('message', (data: Buffer, binary) => {
    if (binary) {
      seen.text += String(data)
      seen.bytes += data.length
    } else seen.frames.push(JSON.parse(String(data)))
  })
  await once(socket, 'open')
  const until = async (text: string): Promise<void> => {
    for (let look = 0; look < 400 && !seen.text.includes(text); look++) await sleep(25)
    expect(seen.text).toContain(text)
  }
  return { socket, seen, until, type: (text: string) => socket.send(Buffer.from(text)) }
}

test('a terminal runs on without viewers, goes on where a viewer left it, and is recorded without secrets', async () => {
  const { id } = await openTerminal('Build')
  const first = await view(id)
  first.socket.send(JSON.stringify({ type: 'resize', columns: 101, rows: 33 }))
  first.type('stty size; echo "$TOKEN" | rev | rev; echo one-$((1+1))\r')
  await first.until('33 101')
  await first.until('one-2')
  const offset = (first.seen.frames[0]?.offset ?? 0) + first.seen.bytes
  first.socket.terminate()
  const again = await view(id, offset)
  await again.until('')
  expect(again.seen.frames[0]).toEqual({ type: 'at', offset, restart: false })
  again.type('echo later-$((2+3))\r')
  await again.until('later-5')
  expect(again.seen.text).not.toContain('one-2')
  const stranger = await view(id, 10 ** 9)
  await stranger.until('one-2')
  expect(stranger.seen.frames[0]).toMatchObject({ offset: 0, restart: true })
  again.type('exit 7\r')
  for (let look = 0; look < 200 && again.seen.frames.length < 2; look++) await sleep(25)
  expect(again.seen.frames.at(-1)).toEqual({ type: 'exit', exitCode: 7 })
  const cast = (await (await ask(`/terminals/${id}/recording`)).text()).trim().split('\n')
  expect(JSON.parse(cast[0] ?? '')).toMatchObject({ version: 2, width: 80, height: 24, title: 'Build' })
  const shown = cast.slice(1).map((line) => JSON.parse(line) as [number, string, string])
  expect(shown.map(([, , text]) => text).join('')).toContain('later-5')
  expect(cast.join()).toContain('[TOKEN]')
  expect(cast.join()).not.toContain(secret)
  const { items } = (await (await ask('/terminals')).json()) as { items: Terminal[] }
  expect(items.find((one) => one.id === id)).toMatchObject({ name: 'Build', running: false })
})

test('a terminal that is closed takes what runs in it with it', async () => {
  const { id } = await openTerminal('x')
  const viewer = await view(id)
  viewer.type(`setsid sleep ${naps[4]} & sleep ${naps[5]}\r`)
  while ((await sleepers(naps[5])) === 0 || (await sleepers(naps[4])) === 0) await sleep(20)
  await ask(`/terminals/${id}`, { method: 'DELETE' })
  await sleep(200)
  expect([await sleepers(naps[4]), await sleepers(naps[5])]).toEqual([0, 0])
})

test('a viewer that does not read is left behind and holds up nothing', async () => {
  const { id } = await openTerminal('flood')
  const slow = await view(id)
  slow.socket.pause()
  const quick = await view(id)
  quick.type('yes 0123456789 | head -c 20000000; echo flood-$((1+1))-over\r')
  await quick.until('flood-2-over')
  slow.socket.resume()
  await slow.until('flood-2-over')
  expect(slow.seen.frames.some(({ restart, offset }) => restart && (offset ?? 0) > 0)).toBe(true)
  expect(slow.seen.bytes).toBeLessThan(20_000_000)
  await ask(`/terminals/${id}`, { method: 'DELETE' })
}, 60_000)

test('a shell that comes before the working copy begins in the workspace and says so', async () => {
  await rename(join(workspace, 'code'), join(workspace, 'later'))
  try {
    const { id } = await openTerminal('Early')
    const early = await view(id)
    await early.until(`${workspace}/code is not there yet: this shell begins in ${workspace}.`)
    early.type('echo at-$PWD-end\r')
    await early.until(`at-${workspace}-end`)
    early.socket.terminate()
    await ask(`/terminals/${id}`, { method: 'DELETE' })
  } finally {
    await rename(join(workspace, 'later'), join(workspace, 'code'))
  }
})

test('no more than sixteen terminals run at once', async () => {
  const opened = await Promise.all(Array.from({ length: 20 }, () => ask('/terminals', { method: 'POST', body: '{}' })))
  const bodies = (await Promise.all(opened.map((one) => one.json()))) as (Terminal & { error?: { code: string } })[]
  expect(bodies.filter(({ error }) => error?.code === 'conflict')).toHaveLength(4)
  await Promise.all(bodies.filter(({ id }) => id).map(({ id }) => ask(`/terminals/${id}`, { method: 'DELETE' })))
}, 60_000)

test('a port of the session is reached on its loopback, the supervisor’s own is not', async () => {
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as { port: number }
  const { items } = (await (await ask('/ports')).json()) as { items: { port: number }[] }
  expect(items.map((one) => one.port)).toContain(port)
  expect(items.map((one) => one.port)).not.toContain(server.port)
  const connect = async (to: number): Promise<string> => {
    const { connect } = await import('node:net')
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      `GET /connect/${to} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer m\r\nConnection: Upgrade\r\nUpgrade: helix-tcp\r\n\r\nping`,
    )
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.endsWith('ping')) break
    }
    return text
  }
  expect(await connect(port)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nping$/)
  expect(await connect(server.port)).toMatch(/^HTTP\/1\.1 403/)
  echo.close()
  expect(await connect(1)).toMatch(/^HTTP\/1\.1 502/)
})

test('listeners are read from the kernel’s table', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1
   1: 0100007F:0BB9 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 42 1`
  expect([...listenersIn(table)]).toEqual([[3000, ['41']]])
})

test('scrollback keeps the newest bytes under their offsets', () => {
  const kept = new Scrollback(10)
  for (const text of ['0123', '45\n7', '89abc']) kept.add(Buffer.from(text))
  expect([kept.start, kept.end, String(kept.read(3, 100)), String(kept.read(9, 2))]).toEqual([3, 13, '345\n789abc'.slice(0, 10), '9a'])
  expect(kept.beginning()).toBe(7)
})
