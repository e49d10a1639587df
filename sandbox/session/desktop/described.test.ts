import { expect, test } from 'vitest'
import { screenOf } from './described.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const status = { encoder: 'x264', codec: 'avc1.42c02a', width: 1920, height: 1080, scale: 100 }

test('what the capture says of itself is told to hosts, paced', () => {
  expect(screenOf(bytes(JSON.stringify(status)))).toMatchObject({ type: 'screen', ...status, paced: true })
})

test.for([
  '',
  '{',
  'null',
  '[]',
  '7',
  '{"width":1}',
  JSON.stringify({ ...status, width: -1 }),
  JSON.stringify({ ...status, codec: 'x'.repeat(1000) }),
])('what is not understood is no screen: %s', (text) => {
  expect(screenOf(bytes(text))).toBeNull()
})
