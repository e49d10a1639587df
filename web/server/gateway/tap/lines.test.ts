import { expect, test } from 'vitest'
import { Lines } from './lines.ts'

function run(chunks: readonly Buffer[]) {
  const seen: string[] = []
  const lines = new Lines((line) => seen.push(line))
  const passed = chunks.flatMap((chunk) => lines.take(chunk))
  const rest = lines.finish()
  return { seen, passed: Buffer.concat(passed), all: Buffer.concat([...passed, ...rest.rest]) }
}

const text = Buffer.from('event: a\r\ndata: {"x":"Héllo €"}\n\n: ping\n\ndata: [DONE]\n\n')

test('every line is seen once and every byte passes, wherever the stream is cut into chunks', () => {
  const whole = run([text])
  expect(whole.seen.map((line) => line.slice(0, 7))).toEqual(['event: ', 'data: {', ': ping', 'data: ['])
  for (let size = 1; size < text.length; size++) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.subarray(at * size, (at + 1) * size))
    const cut = run(chunks)
    expect(cut.all).toEqual(text)
    expect(cut.seen).toEqual(whole.seen)
  }
})

test('half a line does not pass before its end', () => {
  for (let at = 0; at <= text.length; at++) {
    const passed = run([text.subarray(0, at)]).passed
    expect(passed.length === 0 || passed.at(-1) === 0x0a).toBe(true)
  }
})

test('it is known whether only whole events have passed', () => {
  const lines = new Lines(() => undefined)
  for (const [chunk, atEvent] of [
    ['data: 1\n', false],
    ['\n', true],
    ['data: 2\r\n\r\n', true],
    ['event: a\ndata', false],
    [': x\n\n', true],
  ] as const) {
    lines.take(Buffer.from(chunk))
    expect([chunk, lines.atEvent]).toEqual([chunk, atEvent])
  }
})

test('a line of many megabytes passes in pieces, and its end is read', () => {
  const long = Buffer.concat([
    Buffer.from('data: {"type":"response.completed","x":"'),
    Buffer.alloc(5_000_000, 'x'),
    Buffer.from('","usage":{"a":1}}\n\n'),
  ])
  const chunks = Array.from({ length: Math.ceil(long.length / 65_536) }, (_, at) => long.subarray(at * 65_536, (at + 1) * 65_536))
  const { all, seen } = run(chunks)
  expect(all.equals(long)).toBe(true)
  expect(seen).toHaveLength(1)
  expect([seen[0]?.startsWith('data: {"type":"response.completed"'), seen[0]?.endsWith('"usage":{"a":1}}')]).toEqual([true, true])
  expect(seen[0]?.length).toBeLessThan(1_300_000)
})
