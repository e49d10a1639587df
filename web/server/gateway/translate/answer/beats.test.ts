import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import type { Beat } from './answer.ts'
import { beatsOf } from './beats.ts'

type Part = LanguageModelV4StreamPart

const usage = { inputTokens: { total: 8, noCache: 8, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 4, text: 4, reasoning: 0 } }
const finish: Part = { type: 'finish', usage, finishReason: { unified: 'stop', raw: 'stop' } }
const start = (id: string): Part => ({ type: 'tool-input-start', id, toolName: 'look' })
const delta = (id: string, text: string): Part => ({ type: 'tool-input-delta', id, delta: text })
const call = (id: string, input = '{}'): Part => ({ type: 'tool-call', toolCallId: id, toolName: 'look', input })

async function play(...parts: Part[]): Promise<Beat[]> {
  const { beats } = beatsOf(ReadableStream.from(parts) as ReadableStream<Part>, 'Test', 400)
  const all: Beat[] = []
  for await (const beat of beats) all.push(beat)
  return all
}

test('calls that come at once are handed on one after the other', async () => {
  const beats = await play(
    start('a'),
    start('b'),
    delta('b', '{"n":2}'),
    delta('a', '{"n":1}'),
    call('b', '{"n":2}'),
    call('a', '{"n":1}'),
    finish,
  )
  const said = beats.map((beat) => ('id' in beat ? `${beat.type} ${beat.id}` : beat.type))
  expect(said).toEqual(['call-start a', 'call-delta a', 'call a', 'call-start b', 'call-delta b', 'call b', 'end'])
  expect(beats.at(-1)).toMatchObject({ end: { reason: 'tool-calls' } })
})

test('two calls with one id, and arguments that are no JSON object, are nonsense', async () => {
  await expect(play(start('a'), call('a'), start('a'), call('a'), finish)).rejects.toThrow('two tool calls with the id "a"')
  await expect(play(call('a', '{"n":'), finish)).rejects.toThrow('not a JSON object')
  await expect(play(call('a', '"text"'), finish)).rejects.toThrow('not a JSON object')
})

test('a stream without its end was cut', async () => {
  await expect(play({ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: 'Hal' })).rejects.toThrow('it was cut')
  const open: Part = { type: 'finish', usage, finishReason: { unified: 'other', raw: undefined } }
  await expect(play(open)).rejects.toThrow('it was cut')
})

test('usage that a provider does not tell is counted and marked', async () => {
  const none = { inputTokens: { ...usage.inputTokens, total: undefined }, outputTokens: { ...usage.outputTokens, total: undefined } }
  const beats = await play({ type: 'text-delta', id: '1', delta: 'x'.repeat(40) }, { ...finish, usage: none } as Part)
  expect(beats.at(-1)).toMatchObject({ end: { counts: { input: 100, output: 10, estimated: true } } })
})
