import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Told } from './hands.ts'
import { HandsSocket } from './socket.ts'

interface Answer {
  id: number | null
  result?: { protocolVersion?: string; tools?: { name: string; inputSchema: object }[]; content?: { type: string }[]; isError?: boolean }
  error?: { code: number; message: string }
}

let folder: string
let path: string
let server: HandsSocket
let called: { name: string; args: unknown; signal: AbortSignal; callId: string | null }[]
let answer: (name: string) => Promise<Told>
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helix-hands-'))
  path = join(folder, 'desktop.sock')
  called = []
  answer = async (name) => ({ text: `did ${name}`, picture: null, failed: name === 'bad' })
  // What an earlier start left there.
  writeFileSync(path, '')
  server = await HandsSocket.open({
    path,
    user: { ids: null, home: folder, env: {} },
    log: { info: () => undefined, warn: () => undefined },
    call: (name, args, signal, callId) => {
      called.push({ name, args, signal, callId })
      return answer(name)
    },
  })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

class Client {
  readonly socket: Socket
  private readonly answers: AsyncIterator<string>

  constructor() {
    this.socket = connect(path)
    this.answers = createInterface({ input: this.socket })[Symbol.asyncIterator]()
  }

  say(message: object | string): void {
    this.socket.write(`${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  async next(): Promise<Answer> {
    return JSON.parse((await this.answers.next()).value)
  }

  async ask(message: object | string): Promise<Answer> {
    this.say(message)
    return this.next()
  }
}

test('an MCP client shakes hands, sees the tools with schemas of their own, and calls one', async () => {
  const client = new Client()
  const greeting = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  expect((await client.ask({ id: 1, method: 'initialize', params: greeting })).result?.protocolVersion).toBe('2025-06-18')
  client.say({ method: 'notifications/initialized' })
  const tools = (await client.ask({ id: 2, method: 'tools/list' })).result?.tools ?? []
  expect(tools.map(({ name }) => name)).toEqual([
    'screenshot',
    'click',
    'drag',
    'move',
    'scroll',
    'type',
    'key',
    'windows',
    'clipboard',
    'open',
    'wait_until_still',
    'size',
  ])
  expect(tools[1]).toMatchObject({
    inputSchema: { type: 'object', required: ['x', 'y'], properties: { button: { enum: ['left', 'middle', 'right'] } } },
  })
  expect(
    await client.ask({
      id: 3,
      method: 'tools/call',
      params: { name: 'click', arguments: { x: 1 }, _meta: { 'claudecode/toolUseId': 'toolu_1' } },
    }),
  ).toMatchObject({
    id: 3,
    result: { content: [{ type: 'text', text: 'did click' }] },
  })
  expect(called).toMatchObject([{ name: 'click', args: { x: 1 }, callId: 'toolu_1' }])
  client.socket.destroy()
})

test('a client of a version to come is answered with the newest that is known here', async () => {
  const client = new Client()
  expect((await client.ask({ id: 1, method: 'initialize', params: { protocolVersion: '2031-01-01' } })).result?.protocolVersion).toBe(
    '2025-11-25',
  )
  client.socket.destroy()
})

test('a picture comes as MCP content, and what went wrong as an error of the tool', async () => {
  const client = new Client()
  answer = async () => ({
    text: 'Picture 1',
    picture: { jpeg: Buffer.from([0xff, 0xd8, 0xff]), width: 1, height: 1, sequence: 1, capturedUs: 1 },
    failed: false,
  })
  expect((await client.ask({ id: 1, method: 'tools/call', params: { name: 'screenshot' } })).result?.content).toEqual([
    { type: 'image', data: '/9j/', mimeType: 'image/jpeg' },
    { type: 'text', text: 'Picture 1' },
  ])
  answer = async () => ({ text: 'No.', picture: null, failed: true })
  expect((await client.ask({ id: 2, method: 'tools/call', params: { name: 'click' } })).result).toEqual({
    content: [{ type: 'text', text: 'No.' }],
    isError: true,
  })
  client.socket.destroy()
})

test('nonsense is answered as JSON-RPC has it, and the connection goes on', async () => {
  const client = new Client()
  expect((await client.ask('{')).error?.code).toBe(-32_700)
  expect((await client.ask('[1]')).error?.code).toBe(-32_600)
  expect((await client.ask({ id: 4, method: 'resources/list' })).error?.code).toBe(-32_601)
  expect((await client.ask({ id: 5, method: 'tools/call', params: {} })).error?.code).toBe(-32_602)
  client.say({ id: 6, result: {} })
  expect(await client.ask({ id: 7, method: 'ping' })).toEqual({ jsonrpc: '2.0', id: 7, result: {} })
  client.socket.destroy()
})

test('a call that is cancelled, or whose client is gone, is told so and not answered', async () => {
  const client = new Client()
  const gate = Promise.withResolvers<Told>()
  answer = () => gate.promise
  client.say({ id: 1, method: 'tools/call', params: { name: 'click' } })
  client.say({ id: 2, method: 'tools/call', params: { name: 'click' } })
  client.say({ method: 'notifications/cancelled', params: { requestId: 1 } })
  await client.ask({ id: 3, method: 'ping' })
  expect(called.map(({ signal }) => signal.aborted)).toEqual([true, false])
  client.socket.destroy()
  await expect.poll(() => called[1]?.signal.aborted).toBe(true)
  gate.resolve({ text: '', picture: null, failed: false })
})

test('only its user may open the socket, a line without an end is cut off, and clients are few', async () => {
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const endless = new Client()
  endless.socket.on('error', () => undefined)
  const cut = new Promise((resolve) => endless.socket.once('close', resolve))
  endless.socket.write(Buffer.alloc(9 * 1024 * 1024, 0x20))
  await cut
  const clients = Array.from({ length: 8 }, () => new Client())
  for (const [n, client] of clients.entries()) await client.ask({ id: n, method: 'ping' })
  const ninth = new Client()
  ninth.socket.on('error', () => undefined)
  await new Promise((resolve) => ninth.socket.once('close', resolve))
  for (const client of clients) client.socket.destroy()
})
