import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostId } from '@helix/contract/ids'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Credential } from './credential.ts'

const hostId = 'hst_01h455vb4pex5vsknk084sn02q' as HostId
let stateDir: string
let server: Server
let asked: { path: string; token: string; credential: string }[]
/** The answer's status; null: none comes. */
let status: number | null

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'hx-credential-'))
  asked = []
  status = 200
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    asked.push({ path: request.url ?? '', token, credential: JSON.parse(text).credential })
    if (status === null) return void request.socket.destroy()
    const error = { error: { code: status === 401 ? 'not_signed_in' : 'conflict', message: 'no', requestId: 'r' } }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(status === 200 ? { hostId } : error))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
})
afterEach(async () => {
  server.close()
  await rm(stateDir, { recursive: true })
})

const open = (lastsDays = 30) =>
  Credential.open({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ runnerToken: 'r'.repeat(40), hostId, name: 'one', version: '1', stateDir, lastsDays, log: pino({ level: 'silent' }) },
  })
const file = () => join(stateDir, 'credential.json')

test('a host enrols once with the shared token, and its credential is for its own eyes', async () => {
  const credential = await open()
  await credential.ready()
  await credential.ready()
  expect(asked).toEqual([{ path: '/internal/v1/hosts/enrol', token: 'r'.repeat(40), credential: credential.token() }])
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  const next = await open()
  await next.ready()
  expect([asked.length, next.token()]).toEqual([1, credential.token()])
})

test('an enrolment whose answer got lost is asked again with the same credential, by the next boot too', async () => {
  status = null
  await expect((await open()).ready()).rejects.toThrow('cannot enrol')
  status = 200
  await (await open()).ready()
  expect(new Set(asked.map(({ credential }) => credential)).size).toBe(1)
})

test('a wrong runner token and a refusal are told in words', async () => {
  const credential = await open()
  status = 401
  await expect(credential.ready()).rejects.toThrow('HELIX_RUNNER_TOKEN is not the one')
  status = 409
  await expect(credential.ready()).rejects.toThrow('cannot enrol: no')
})

test('an old credential is replaced with its own word, and a young one is not', async () => {
  const credential = await open()
  await credential.ready()
  const first = credential.token()
  await credential.rotate('due')
  expect(credential.token()).toBe(first)
  await credential.rotate('now')
  expect(credential.token()).not.toBe(first)
  expect(asked.at(-1)).toEqual({ path: `/internal/v1/hosts/${hostId}/credential`, token: first, credential: credential.token() })
  const old = JSON.parse(await readFile(file(), 'utf8'))
  await writeFile(file(), JSON.stringify({ ...old, since: Date.now() - 31 * 24 * 60 * 60_000 }))
  const later = await open()
  await later.rotate('due')
  expect(later.token()).not.toBe(old.secret)
})

test('a rotation whose answer got lost goes on with the same next credential, and takes it up when the old one is refused', async () => {
  const credential = await open()
  await credential.ready()
  const first = credential.token()
  status = null
  await credential.rotate('now')
  expect(credential.token()).toBe(first)
  const offered = asked.at(-1)?.credential
  const next = await open()
  await next.rotate('due')
  expect(asked.at(-1)?.credential).toBe(offered)
  await next.refused()
  expect(next.token()).toBe(offered)
})

test('a control plane that knows nothing of it is enrolled with again', async () => {
  const credential = await open()
  await credential.ready()
  await credential.refused()
  await credential.ready()
  expect(asked.map(({ credential: told }) => told)).toEqual([credential.token(), credential.token()])
})

test('a file that was cut short is no reason not to start', async () => {
  await writeFile(file(), '{"secr')
  await (await open()).ready()
  expect(asked).toHaveLength(1)
})
