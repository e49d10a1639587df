import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SupervisorDown } from '@helix/contract/link'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Connection, type LinkServer, listen } from './server.ts'

let server: LinkServer
let connections: Connection[]
let frames: SupervisorDown[]
let warnings: string[]
beforeEach(async () => {
  connections = []
  frames = []
  warnings = []
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) }
  const handler = {
    connected: (connection: Connection) => void connections.push(connection),
    received: (frame: SupervisorDown) => void frames.push(frame),
  }
  const machine = {
    request: async (_: unknown, response: ServerResponse) => void response.end('used'),
    upgrade: async (_: unknown, socket: Duplex) => void socket.end('HTTP/1.1 418 Used\r\n\r\n'),
  }
  const desktop = {
    upgrade: async (_: unknown, socket: Duplex) => void socket.end('HTTP/1.1 409 None\r\n\r\n'),
    peek: async (_: unknown, response: ServerResponse) => void response.end('peeked'),
  }
  server = await listen({ port: 0, server: null, secret: 'right', log, handler, machine, desktop, machineToken: 'machine' })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
})

const dial = (secret: string, path = '/link') =>
  new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers: secret === '' ? {} : { authorization: `Bearer ${secret}` } })

test.for([
  ['wrong', '/link'],
  ['', '/link'],
  ['right', '/'],
  ['right', '/link/more'],
  ['machine', '/link'],
  ['machine', '/desktop'],
  ['', '/desktop'],
  ['other', '/terminals'],
])('a stranger with secret %j at %s is refused', async ([secret = '', path]) => {
  const [error] = await once(dial(secret, path), 'error')
  expect(String(error)).toContain('401')
  expect(connections).toEqual([])
})

test('a new connection replaces the old one, which is heard no more', async () => {
  const first = dial('right')
  await once(first, 'open')
  const closed = once(first, 'close')
  const second = dial('right')
  await once(second, 'open')
  expect((await closed)[0]).toBe(4000)
  expect(connections.map(({ open }) => open)).toEqual([false, true])
  expect(await connections[0]?.send({ type: 'heartbeat', promptId: 'p' })).toBe(false)
  second.terminate()
})

test('nonsense is left out and the link goes on', async () => {
  const socket = dial('right')
  await once(socket, 'open')
  for (const text of ['', 'nonsense', '[]', '{"type":"unknown"}', '{"type":"prompt"}']) socket.send(text)
  socket.send(Buffer.from([0, 1, 2]))
  socket.send(JSON.stringify({ type: 'ack', upTo: 3 }))
  await expect.poll(() => frames).toEqual([{ type: 'ack', upTo: 3 }])
  expect(warnings).toHaveLength(6)
  socket.terminate()
})

test('the machine is used with its own token, and not with that of the link', async () => {
  const ask = async (token: string) =>
    (await fetch(`http://127.0.0.1:${server.port}/exec`, { headers: { authorization: `Bearer ${token}` } })).status
  expect(await Promise.all(['machine', 'right', '', 'x'].map(ask))).toEqual([200, 404, 404, 404])
  const [error] = await once(dial('machine', '/terminals'), 'error')
  expect(String(error)).toContain('418')
})

test('pictures are for the host, the machine is for who has its token, and both are nothing to a stranger', async () => {
  const get = async (secret: string, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization: `Bearer ${secret}` } })
    return answer.status === 200 ? answer.text() : answer.status
  }
  expect(await get('right', '/desktop/picture?have=x')).toBe('peeked')
  expect(await get('wrong', '/desktop/picture')).toBe(404)
  expect(await get('right', '/exec')).toBe(404)
  expect(await get('machine', '/desktop/picture')).toBe('used')
})
