import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount, jsonSchema, type LanguageModel, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Front } from '../testing/front.ts'
import { plainScript, type Script, type Seen } from '../testing/script.ts'
import { candidateOf, targets } from '../testing/targets.ts'
import { Vendors } from '../testing/vendors.ts'

let vendors: Vendors
let front: Front
let models: Record<string, LanguageModel>

beforeAll(async () => {
  vendors = await Vendors.open()
  front = await Front.open()
  const { url } = front
  models = {
    chat: createOpenAI({ baseURL: `${url}/v1`, apiKey: 'k' }).chat('m'),
    responses: createOpenAI({ baseURL: `${url}/v1`, apiKey: 'k' }).responses('m'),
    messages: createAnthropic({ baseURL: `${url}/v1`, apiKey: 'k' }).languageModel('m'),
    generate: createGoogle({ baseURL: `${url}/v1beta`, apiKey: 'k' }).languageModel('m'),
  }
})
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await vendors[Symbol.asyncDispose]()
})

/** A call first; when its result is there, words. */
const script = ({ results }: Seen): Script =>
  results.length > 0
    ? { ...plainScript, text: `It is ${results[0]?.text}.` }
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
        vendors.script = script
        const model = models[dialect]
        if (model === undefined) throw new Error(dialect)
        const asked = { model, prompt: 'The weather?', tools: { weather }, stopWhen: isStepCount(3), maxOutputTokens: 3000, maxRetries: 0 }
        expect((await generateText(asked)).text).toMatch(/^It is .*sunny in Köln.*\.$/)
        const streamed = streamText(asked)
        expect(await streamed.text).toMatch(/^It is .*sunny in Köln.*\.$/)
      })
    }
  })
}
