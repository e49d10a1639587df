import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Front } from '../testing/front.ts'
import { plainScript } from '../testing/script.ts'
import { candidateOf, targets } from '../testing/targets.ts'
import { Vendors } from '../testing/vendors.ts'

let vendors: Vendors
let front: Front
let client: OpenAI

beforeAll(async () => {
  vendors = await Vendors.open()
  front = await Front.open()
  client = new OpenAI({ baseURL: `${front.url}/v1`, apiKey: front.key, maxRetries: 0 })
})
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await vendors[Symbol.asyncDispose]()
})

// As Codex sends them.
const tools = [
  {
    type: 'custom',
    name: 'apply_patch',
    description: 'Changes files.',
    format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
  },
  {
    type: 'namespace',
    name: 'mcp__helix',
    description: 'Of Helix.',
    tools: [{ type: 'function', name: 'list', parameters: { type: 'object', properties: {} } }],
  },
  { type: 'web_search', external_web_access: false },
]

function use(kind: string): void {
  const target = targets.find((one) => one.kind === kind)
  if (target === undefined) throw new Error(kind)
  front.candidate = candidateOf(target, vendors.url)
}

const calls = [
  { id: 'call_1', name: 'apply_patch', input: { input: '*** Begin Patch\nüö\n*** End Patch' } },
  { id: 'call_2', name: 'mcp__helix__list', input: {} },
]

for (const kind of ['anthropic', 'openai_compatible', 'gemini', 'bedrock']) {
  test(`custom tools and namespaces make the round to ${kind} and back`, async () => {
    use(kind)
    vendors.script = { ...plainScript, text: null, stop: 'calls', calls }
    const body = { model: 'm', input: 'Change it.', tools, store: false } as unknown as OpenAI.Responses.ResponseCreateParamsNonStreaming
    const stream = client.responses.stream(body as never)
    const events: string[] = []
    for await (const event of stream) events.push(event.type)
    const { output } = await stream.finalResponse()
    const [patch, list] = output.filter(({ type }) => type.endsWith('_call'))
    expect(patch).toMatchObject({ type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin Patch\nüö\n*** End Patch' })
    expect(list).toMatchObject({ type: 'function_call', name: 'list', namespace: 'mcp__helix', arguments: '{}' })
    expect(events).toContain('response.custom_tool_call_input.done')
    expect(vendors.last.tools).toEqual(['apply_patch', 'mcp__helix__list'])
    const whole = await client.responses.create(body)
    const said = JSON.stringify(whole.output.map((item) => ({ ...item, id: '', call_id: '' })))
    expect(said).toBe(JSON.stringify(output.map((item) => ({ ...item, id: '', call_id: '', parsed_arguments: undefined }))))
    vendors.script = plainScript
    const results = [
      { type: 'custom_tool_call_output', call_id: (patch as { call_id: string }).call_id, output: 'Done.' },
      { type: 'function_call_output', call_id: (list as { call_id: string }).call_id, output: '[]' },
    ]
    const input = [{ role: 'user', content: 'Change it.' }, ...output, ...results]
    const next = await client.responses.create({ ...body, input } as OpenAI.Responses.ResponseCreateParamsNonStreaming)
    expect(next.output_text).toBe(plainScript.text)
    expect(vendors.last.calls.map(({ name }) => name)).toEqual(['apply_patch', 'mcp__helix__list'])
    expect(vendors.last.results.map(({ text }) => text)).toEqual(['Done.', '[]'])
  })
}
