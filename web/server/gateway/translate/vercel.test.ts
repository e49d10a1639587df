import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount, jsonSchema, type LanguageModel, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Front } from '../testing/front.ts'
import { plainScript, type Request, type Script, type Seen } from '../testing/script.ts'
import { candidateOf, passes, targets } from '../testing/targets.ts'
import { Vendors } from '../testing/vendors.ts'

let vendors: Vendors
let front: Front
let models: Record<string, LanguageModel>

beforeAll(async () => {
  vendors = await Vendors.open()
  front = await Front.open()
  const { url, key } = front
  models = {
    chat: createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).chat('m'),
    responses: createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).responses('m'),
    messages: createAnthropic({ baseURL: `${url}/v1`, apiKey: key }).languageModel('m'),
    generate: createGoogle({ baseURL: `${url}/v1beta`, apiKey: key }).languageModel('m'),
  }
})
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await vendors[Symbol.asyncDispose]()
})

/** A call first; when its result is there, words. */
const script = (_seen: Seen, { body }: Request): Script =>
  JSON.stringify(body).includes('sunny in')
    ? { ...plainScript, text: 'It is sunny.' }
    : { ...plainScript, text: null, stop: 'calls', calls: [{ id: 'call_1', name: 'weather', input: { place: 'Köln' } }] }

const weather = tool({
  description: 'The weather of a place',
  inputSchema: jsonSchema<{ place: string }>({
    type: 'object',
    properties: { place: { type: 'string' } },
    required: ['place'],
    additionalProperties: false,
  }),
  execute: async ({ place }) => `sunny in ${place}`,
})

for (const dialect of ['chat', 'responses', 'messages', 'generate']) {
  describe(`Vercel’s ai in ${dialect}`, () => {
    for (const target of targets) {
      test(`goes through a tool with ${target.name}, streamed and not`, async () => {
        front.candidate = candidateOf(target, vendors.url)
        vendors.strict = !passes(target, dialect)
        vendors.script = script
        const model = models[dialect]
        if (model === undefined) throw new Error(dialect)
        const asked = { model, prompt: 'The weather?', tools: { weather }, stopWhen: isStepCount(3), maxOutputTokens: 3000, maxRetries: 0 }
        expect((await generateText(asked)).text).toBe('It is sunny.')
        const streamed = streamText(asked)
        expect(await streamed.text).toBe('It is sunny.')
      })
    }
  })
}
