import { expect, test } from 'vitest'
import { plainScript, type Script, type Vendor } from '../testing/script.ts'
import { candidateOf, targets } from '../testing/targets.ts'
import { chatVendor } from '../testing/vendor-chat.ts'
import { converseVendor } from '../testing/vendor-converse.ts'
import { generateVendor } from '../testing/vendor-generate.ts'
import { messagesVendor } from '../testing/vendor-messages.ts'
import { responsesVendor } from '../testing/vendor-responses.ts'
import { beatsOf } from './answer/beats.ts'
import { familyOf } from './models/family.ts'
import { modelOf } from './models/model-of.ts'
import { emptyQuestion } from './question.ts'

const vendors: Record<string, Vendor> = {
  'OpenAI, Responses': responsesVendor,
  'OpenAI, Chat Completions': chatVendor,
  'OpenAI-compatible': chatVendor,
  Anthropic: messagesVendor,
  'Gemini API': generateVendor,
  Bedrock: converseVendor,
}

const script: Script = {
  ...plainScript,
  ...{ text: 'Grüße 👋', stop: 'calls', calls: [{ id: 'call_1', name: 'look', input: { place: 'Köln' } }] },
}

/** What came of an answer of which so many bytes arrived: its words and calls, or the error. */
async function heard(target: (typeof targets)[number], bytes: Buffer, contentType: string): Promise<string> {
  const fetch = (async () => new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } })) as typeof globalThis.fetch
  const candidate = candidateOf(target, 'http://provider')
  const model = await modelOf({ fetch, candidate }, familyOf(candidate, emptyQuestion))
  const said: string[] = []
  try {
    const { stream } = await model.doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] })
    for await (const beat of beatsOf(stream, 'Test', 1).beats) {
      if (beat.type === 'text') said.push(beat.delta)
      if (beat.type === 'call') said.push(`${beat.name} ${beat.input}`)
      if (beat.type === 'end') return said.join('')
    }
  } catch {
    return 'error'
  }
  return 'silence'
}

for (const [name, vendor] of Object.entries(vendors)) {
  test(`an answer of ${name} that is cut, wherever it is, is an error or whole`, async () => {
    const target = targets.find((one) => one.name === name)
    if (target === undefined) throw new Error(name)
    const request = { path: '', headers: {}, body: { model: 'm', stream_options: { include_usage: true } } }
    const bytes = Buffer.concat(vendor.frames(script, request).map((frame) => Buffer.from(frame)))
    const whole = await heard(target, bytes, vendor.contentType)
    expect(whole).toBe('Grüße 👋look {"place":"Köln"}')
    let errors = 0
    for (let at = 0; at < bytes.length; at += 5) {
      const result = await heard(target, bytes.subarray(0, at), vendor.contentType)
      if (result === 'error') errors++
      else expect(`${at}: ${result}`).toBe(`${at}: ${whole}`)
    }
    expect(errors).toBeGreaterThan(bytes.length / 10)
  })
}
