import { afterEach, beforeEach, expect, test } from 'vitest'
import { candidateAt, openTestGateway, type TestGateway, TestProvider, testKey } from '../testing.ts'

let provider: TestProvider
let gateway: TestGateway
beforeEach(async () => {
  provider = await TestProvider.open()
  gateway = await openTestGateway([candidateAt(provider)])
})
afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

const json = { 'content-type': 'application/json' }

test('a stored response is its organisation’s alone: who goes on with it pays for all of it', async () => {
  const reserved: number[] = []
  gateway.parts.holds.reserve = (_scope, { tokens }) => {
    reserved.push(tokens)
    return { settle: () => undefined, release: () => undefined }
  }
  const answer = '{"id":"resp_1","object":"response","usage":{"input_tokens":5000,"output_tokens":200}}'
  provider.play = (_request, response) => response.writeHead(200, json).end(answer)
  const get = (id: string, method = 'GET') =>
    fetch(`${gateway.url}/v1/responses/${id}`, { method, headers: { authorization: `Bearer ${testKey}` } })
  expect((await get('resp_1')).status).toBe(404)
  const more = { model: 'm', input: 'x', max_output_tokens: 10 }
  expect((await gateway.ask('/v1/responses', { ...more, previous_response_id: 'resp_1' })).status).toBe(404)
  await gateway.ask('/v1/responses', more)
  expect((await gateway.ask('/v1/responses', { ...more, previous_response_id: 'resp_1' })).status).toBe(200)
  expect(reserved[1]).toBeGreaterThan((reserved[0] ?? 0) + 5200)
  expect(await (await get('resp_1')).text()).toBe(answer)
  expect((await get('resp_1', 'DELETE')).status).toBe(200)
  expect((await get('resp_1')).status).toBe(404)
  expect((await gateway.ask('/v1/responses', { ...more, background: true })).status).toBe(400)
})

test('a list of files shows what is the organisation’s own', async () => {
  provider.play = (request, response) => {
    response.writeHead(200, json)
    response.end(request.method === 'POST' ? '{"id":"file-1"}' : '{"object":"list","data":[{"id":"file-1"},{"id":"file-of-others"}]}')
  }
  const form = new FormData()
  form.append('purpose', 'assistants')
  form.append('file', new Blob(['x']), 'a.txt')
  expect(await (await gateway.ask('/v1/files', form)).json()).toEqual({ id: 'file-1' })
  const headers = { authorization: `Bearer ${testKey}` }
  expect(await (await fetch(`${gateway.url}/v1/files`, { headers })).json()).toEqual({ object: 'list', data: [{ id: 'file-1' }] })
  expect((await fetch(`${gateway.url}/v1/files/file-of-others`, { headers })).status).toBe(404)
  expect((await fetch(`${gateway.url}/v1/files/file-1/content`, { headers })).status).toBe(200)
})
