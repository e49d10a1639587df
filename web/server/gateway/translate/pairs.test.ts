import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { messagesClient } from '../testing/client-anthropic.ts'
import { generateClient } from '../testing/client-google.ts'
import { chatClient, responsesClient } from '../testing/client-openai.ts'
import { Front } from '../testing/front.ts'
import { plainScript } from '../testing/script.ts'
import { candidateOf, passes, targets } from '../testing/targets.ts'
import { Vendors } from '../testing/vendors.ts'
import { type Client, refusedOf, type Wanted } from '../testing/wanted.ts'

let vendors: Vendors
let front: Front
const clients = new Map<string, Client>()

beforeAll(async () => {
  vendors = await Vendors.open()
  front = await Front.open(async () => ({ mediaType: 'image/png', data: Buffer.from('picture') }))
  for (const open of [chatClient, responsesClient, messagesClient, generateClient]) {
    const client = open(front.url, front.key)
    clients.set(client.name, client)
  }
})
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await vendors[Symbol.asyncDispose]()
})
beforeEach(() => {
  vendors.script = plainScript
  vendors.aborted = 0
  vendors.seen.length = 0
  front.calls.length = 0
})

const counts = { input: 120, output: 30, cachedInput: 40, cacheWrite: 0, reasoning: 0, estimated: false }

const weather = {
  name: 'get_weather',
  description: 'The weather of a place',
  schema: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
}
const calling = {
  ...plainScript,
  ...{ thought: 'Let me look.', text: 'I look.', stop: 'calls' as const },
  calls: [
    { id: 'call_a', name: 'get_weather', input: { place: 'Köln' } },
    { id: 'call_b', name: 'get_weather', input: { place: 'Rome' } },
  ],
}

for (const dialect of ['chat', 'responses', 'messages', 'generate']) {
  const ask = (wanted: Wanted, streamed: boolean, signal?: AbortSignal) => {
    const client = clients.get(dialect)
    if (client === undefined) throw new Error(dialect)
    return client.ask(wanted, streamed, signal)
  }
  for (const target of targets) {
    describe(`${dialect} to ${target.name}`, () => {
      beforeEach(() => {
        front.candidate = candidateOf(target, vendors.url)
        vendors.strict = !passes(target, dialect)
      })

      for (const streamed of [false, true]) {
        const how = streamed ? 'streamed' : 'whole'

        test(`carries words, usage and the end, ${how}`, async () => {
          const got = await ask({ system: 'Be brief.', text: 'Hello 👋', maxTokens: 500 }, streamed)
          expect(got).toMatchObject({ text: plainScript.text, reason: 'stop', calls: [], usage: { input: 120, cached: 40, output: 30 } })
          if (vendors.strict) expect(vendors.last).toMatchObject({ system: ['Be brief.'], texts: ['Hello 👋'], maxTokens: 500 })
          if (streamed) expect(got.pieces).toBeGreaterThan(2)
          const metered = { counts, status: 200, dialect, streamed }
          await expect.poll(() => front.calls.at(-1)).toMatchObject(metered)
        })

        test(`carries calls of tools and their results, ${how}`, async () => {
          vendors.script = calling
          const wanted: Wanted = { text: 'The weather?', tools: [weather], maxTokens: 4000 }
          const first = await ask(wanted, streamed)
          expect(first.reason).toBe('calls')
          expect(first.text).toBe('I look.')
          expect(first.calls.map(({ name, input }) => ({ name, input }))).toEqual([
            { name: 'get_weather', input: { place: 'Köln' } },
            { name: 'get_weather', input: { place: 'Rome' } },
          ])
          const results = first.calls.map(({ id, name }, index) => ({ id, name, text: `sun ${index}` }))
          vendors.script = plainScript
          const second = await ask({ ...wanted, rounds: [{ turn: first.turn, results }] }, streamed)
          expect(second.text).toBe(plainScript.text)
          if (!vendors.strict) return
          expect(vendors.last.tools).toEqual(['get_weather'])
          expect(vendors.last.calls.map(({ input }) => input)).toEqual([{ place: 'Köln' }, { place: 'Rome' }])
          expect(vendors.last.results.map(({ text }) => text)).toEqual(['sun 0', 'sun 1'])
        })

        test(`keeps status and words of a refusal, ${how}`, async () => {
          vendors.script = { ...plainScript, failure: { status: 429, message: 'Slow down, please.' } }
          const refused = refusedOf(await ask({ text: 'x', maxTokens: 500 }, streamed).catch((error: unknown) => error))
          expect(refused.status).toBe(429)
          expect(refused.message).toContain('Slow down, please.')
        })
      }

      test('says that a stream was cut, never as if it were whole', async () => {
        vendors.script = { ...plainScript, cut: true }
        const error: unknown = await ask({ text: 'x', maxTokens: 500 }, true).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        expect(error).not.toBeNull()
        expect(String((error as Error).message)).toMatch(/cut|without its end/)
      })

      test('ends the provider’s side when the client leaves', async () => {
        vendors.script = { ...plainScript, hangs: true }
        const leave = new AbortController()
        const asking = ask({ text: 'x', maxTokens: 500 }, true, leave.signal).catch((error: unknown) => error)
        await expect.poll(() => vendors.seen.length).toBeGreaterThan(0)
        leave.abort()
        await asking
        await expect.poll(() => vendors.aborted).toBe(1)
      })
    })
  }
}
