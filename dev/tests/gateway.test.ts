import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresFolder } from '../config.ts'
import { type ControlPlane, openControlPlane } from '../stack/control-plane.ts'
import { type Postgres, startPostgres } from '../stack/postgres.ts'

const here = postgresFolder === null ? test.skip : test
if (postgresFolder === null) console.info('skipped: PostgreSQL was not found; set HELIX_POSTGRES_BIN to its programs')

const answer = '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}'
const provider = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(answer))
})
let postgres: Postgres
const key = randomBytes(32).toString('hex')

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  if (postgresFolder !== null) postgres = await startPostgres(postgresFolder)
})
afterAll(async () => {
  provider.closeAllConnections()
  provider.close()
  await postgres?.[Symbol.asyncDispose]()
})

const open = (): Promise<ControlPlane> => {
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
  return openControlPlane({ DATABASE_URL: postgres.url, HELIX_ENCRYPTION_KEY: key, OPENAI_BASE_URL: url, OPENAI_API_KEY: 'k' })
}

/** Calls until it is stopped; answers with the request id and the end of each call that was whole. */
async function callUntil(plane: ControlPlane, stopped: () => boolean): Promise<Map<string, number>> {
  const ended = new Map<string, number>()
  const line = async (): Promise<void> => {
    while (!stopped()) {
      const init = { method: 'POST', headers: { authorization: `Bearer ${plane.key}` }, body: '{"model":"m","messages":[]}' }
      const id = await fetch(`${plane.url}/v1/chat/completions`, init)
        .then(async (response) => ((await response.text()) === answer ? response.headers.get('x-request-id') : null))
        .catch(() => null)
      if (id !== null) ended.set(id, performance.now())
      await sleep(10)
    }
  }
  await Promise.all(Array.from({ length: 8 }, line))
  return ended
}

async function recorded(): Promise<Set<string>> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query('select request_id from usage')
  await client.end()
  return new Set(rows.map(({ request_id }) => request_id))
}

here('a control plane that is killed loses no call that ended more than a second before', async () => {
  await using plane = await open()
  let killed = Number.POSITIVE_INFINITY
  const calling = callUntil(plane, () => performance.now() > killed)
  await sleep(4000)
  killed = performance.now()
  process.kill(plane.pid, 'SIGKILL')
  const [ended, rows] = [await calling, await recorded()]
  const old = [...ended].filter(([, at]) => at < killed - 1000)
  expect(old.length).toBeGreaterThan(100)
  expect(old.filter(([id]) => !rows.has(id))).toEqual([])
})

here('a control plane that is asked to end has every call recorded', async () => {
  const plane = await open()
  let ending = false
  const calling = callUntil(plane, () => ending)
  await sleep(2000)
  const gone = plane[Symbol.asyncDispose]()
  await sleep(100)
  ending = true
  await gone
  const [ended, rows] = [await calling, await recorded()]
  expect(ended.size).toBeGreaterThan(100)
  expect([...ended.keys()].filter((id) => !rows.has(id))).toEqual([])
})
