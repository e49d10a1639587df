import { createServer, get, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { SessionId } from '@helix/contract/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EgressProxy } from './proxy.ts'

const sessionId = 'ses_one' as SessionId
let target: Server
let targetPort: number
let proxy: EgressProxy
let port: number
let refused: string[]
let known: boolean
let answers: Record<string, string[]>

beforeEach(async () => {
  refused = []
  known = true
  answers = { 'good.example': ['127.0.0.1'], 'inner.example': ['10.0.0.1'] }
  target = createServer((request, response) => response.end(`${request.method} ${request.url} ${request.headers.host}`))
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  targetPort = (target.address() as AddressInfo).port
  proxy = new EgressProxy({
    clientOf: () => (known ? { sessionId, domains: [`good.example:${targetPort}`, 'inner.example', 'gone.example'] } : null),
    // The stand-in for the internet listens here.
    reachable: (address) => address === '127.0.0.1',
    refused: (_, host, at) => refused.push(`${host}:${at}`),
    resolve: async (host) => answers[host] ?? Promise.reject(new Error('not found')),
  })
  port = await proxy.listen(0)
})
afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  target.closeAllConnections()
  await new Promise((resolve) => target.close(resolve))
})

const through = (url: string) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: url, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    }).on('error', reject)
  })
const dial = (to: string, then = '') =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n\r\n${then}`))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
const ask = 'GET /secret HTTP/1.1\r\nhost: good.example\r\nconnection: close\r\n\r\n'

test('a listed host is reached, by tunnel and by URL', async () => {
  expect(await through(`http://good.example:${targetPort}/a?b=c`)).toEqual({ status: 200, text: `GET /a?b=c good.example:${targetPort}` })
  const tunnelled = await dial(`good.example:${targetPort}`, ask)
  expect(tunnelled).toContain('200 Connection established')
  expect(tunnelled).toContain('GET /secret good.example')
  expect(refused).toEqual([])
})

test('what is not on the list is refused with its name, and told', async () => {
  expect(await dial('evil.example:443')).toContain('evil.example:443 is not on the list')
  expect((await through('http://evil.example/')).status).toBe(403)
  expect(await dial('good.example:22')).toContain('403')
  expect(refused).toEqual(['evil.example:443', 'evil.example:80', 'good.example:22'])
})

test('a listed name that leads inside is refused, and so is every address', async () => {
  expect(await dial('inner.example:443')).toContain('an address that sessions may not reach')
  expect(await dial('127.0.0.1:80')).toContain('403')
  expect(await dial('[::1]:80')).toContain('403')
  expect(await through(`http://127.0.0.1:${targetPort}/`)).toMatchObject({ status: 403 })
})

test('nobody else is served', async () => {
  known = false
  expect(await dial(`good.example:${targetPort}`, ask)).toContain('Not for you')
  expect(refused).toEqual([])
})

test('nonsense does no harm', async () => {
  for (const to of ['', ':', 'good.example', 'good.example:99999', '%00:443']) expect(await dial(to)).toMatch(/^(HTTP\/1.1 (400|403)|$)/)
  expect((await through('/relative')).status).toBe(403)
  expect((await through('ftp://good.example/')).status).toBe(403)
  expect(await dial('gone.example:443')).toContain('has no address')
  expect((await through(`http://good.example:${targetPort}/`)).status).toBe(200)
})
