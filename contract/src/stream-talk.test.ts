import { expect, test } from 'vitest'
import { desktopDown, desktopUp } from './desktop-link.ts'
import { readTalk, viewerDown, viewerUp } from './stream-talk.ts'

test('words are read, and fields nobody knows are left out', () => {
  expect(readTalk(viewerUp, '{"type":"take","force":true,"later":1}')).toEqual({ type: 'take', force: true, pausesAgent: false })
  expect(readTalk(viewerUp, '{"type":"hello","version":1,"capabilities":{"webcodecs":true}}')).toEqual({
    type: 'hello',
    version: 1,
    capabilities: { webcodecs: true, audio: false, stills: false },
  })
  expect(readTalk(desktopDown, '{"type":"still","requestId":1,"maxWidth":320,"maxHeight":180,"quality":70}').type).toBe('still')
  expect(readTalk(viewerDown, '{"type":"error","code":"not_controller","message":"x"}').type).toBe('error')
})

test.each([
  ['{', 'bad_value'],
  ['null', 'bad_value'],
  ['[]', 'bad_value'],
  ['{"type":7}', 'bad_value'],
  ['{"type":"resize","width":1,"height":1}', 'bad_value'],
  ['{"type":"resize","width":1e9,"height":200}', 'bad_value'],
  ['{"type":"sing"}', 'unknown_type'],
  ['{"__proto__":{"type":"give"}}', 'bad_value'],
  [`"${'x'.repeat(70_000)}"`, 'too_long'],
])('%s is refused', (text, code) => {
  expect(readTalk(viewerUp, text)).toMatchObject({ type: 'refused', code })
})

test('a supervisor’s words are held to their limits', () => {
  expect(readTalk(desktopUp, JSON.stringify({ type: 'failed', message: 'x'.repeat(1001) })).type).toBe('refused')
  expect(readTalk(desktopUp, '{"type":"agentAction","action":"click","x":5,"y":6}')).toEqual({
    type: 'agentAction',
    action: 'click',
    x: 5,
    y: 6,
    sequence: null,
  })
})
