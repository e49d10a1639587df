import { once } from 'node:events'
import { hostProtocol } from '@helix/contract/enrolment'
import { getHostLogs } from '@helix/contract/host-logs'
import type { HostId } from '@helix/contract/ids'
import { readHostLogs } from '@helix/contract/internal'
import type { HostDown } from '@helix/contract/link'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '../../context.ts'
import { addHostRow } from '../../placement/testing.ts'
import { testTokens } from '../../testing/context.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'

let server: TestServer
let admin: Person
let other: Person
let hostId: HostId
let socket: WebSocket
const asked: Extract<HostDown, { type: 'logs' }>[] = []
const line = { n: 7, at: new Date().toISOString(), level: 'warn' as const, text: 'a layer is not kept' }

beforeAll(async () => {
  server = await openTestServer()
  admin = await server.addPerson()
  other = await server.addPerson()
  const value = JSON.stringify({ userId: admin.userId, orgId: admin.orgId })
  await server.context.db('installation').insert({ key: 'administrator', value })
  hostId = newId('host')
  socket = new WebSocket(`${server.url.replace('http', 'ws')}/internal/v1/hosts/connect`, {
    headers: { authorization: `Bearer ${testTokens.runner}` },
  })
  await once(socket, 'open')
  const welcomed = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as HostDown
      if (frame.type === 'welcome') resolve()
      if (frame.type !== 'logs') return
      asked.push(frame)
      const answer = { bootId: 'boot', lines: [line], upTo: 7 }
      // A guess at another question changes nothing.
      for (const requestId of ['guessed', frame.requestId]) socket.send(JSON.stringify({ type: 'logs', requestId, answer }))
    })
  })
  socket.send(JSON.stringify({ type: 'hello', hostId, name: 'mars', bootId: 'boot', version: '1', protocol: hostProtocol }))
  await welcomed
})
afterAll(async () => {
  socket.close()
  await server[Symbol.asyncDispose]()
})

const of = (id: HostId, query = {}) => ({ params: { hostId: id }, query })
const audited = async () =>
  (await server.context.db('audit_log').where({ action: 'readHostLogs' })).map(({ target_name, details }) => [target_name, details.level])

test('an administrator reads a host’s log over its link; who begins to is written down once', async () => {
  expect(await admin.call(getHostLogs, of(hostId, { level: 'warn' }))).toEqual({ bootId: 'boot', lines: [line], upTo: 7 })
  await admin.call(getHostLogs, of(hostId, { level: 'warn', after: 7, limit: 50 }))
  expect(asked.map(({ after, level, limit }) => [after, level, limit])).toEqual([
    [undefined, 'warn', 200],
    [7, 'warn', 50],
  ])
  expect(await audited()).toEqual([['mars', 'warn']])
})

test('to administrators of other organisations the host is not there, and another replica asks with the service’s token', async () => {
  await expect(other.call(getHostLogs, of(hostId))).rejects.toMatchObject({ code: 'not_found' })
  await expect(admin.call(getHostLogs, of(hostId, { limit: 100_000 }))).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await server.worker(readHostLogs, of(hostId))).toMatchObject({ lines: [line] })
})

test('a host that is away says so', async () => {
  const away = await addHostRow(server.context.db, { name: 'pluto' })
  await expect(admin.call(getHostLogs, of(away))).rejects.toMatchObject({
    code: 'machine_unavailable',
    message: 'pluto is not linked now: its log is on its own machine.',
  })
  expect(await audited()).toEqual([['mars', 'warn']])
})
