import { expect, test } from 'vitest'
import { fieldOf, scanObject } from './scan.ts'

const wanted = new Set(['model', 'stream'])
const scan = (text: string) => scanObject(Buffer.from(text), wanted)
const field = (text: string, name = 'model'): unknown => fieldOf(Buffer.from(text), scan(text), name)

test('finds fields at the top, wherever they stand, and not those below', () => {
  expect(field('{"model":"a"}')).toBe('a')
  expect(field('\n { "x" : {"model":"b"}, "y":[{"model":"c"},"]}"], "model" :\t"a" , "z":1 } ')).toBe('a')
  expect(field('{"mod\\u0065l":"a","stream":true}')).toBe('a')
  expect(field('{"stream":true}', 'stream')).toBe(true)
  expect(field('{"x":"model"}')).toBeUndefined()
  expect(field('{}')).toBeUndefined()
})

test('quotes and backslashes in strings of every length end nothing too soon', () => {
  for (let length = 0; length < 200; length++)
    for (const end of ['\\"', '\\\\', '\\\\\\"', '"', '\\u0022', 'é'])
      expect(field(JSON.stringify({ a: `${'x'.repeat(length)}${end}`, b: [`${'\\'.repeat(length)}${end}`], model: 'a' }))).toBe('a')
})

test('a field that is given twice is refused: parsers differ in which they take', () => {
  expect(() => scan('{"model":"cheap","model":"dear"}')).toThrow('model: is given twice.')
  expect(() => scan('{"model":"cheap","\\u006dodel":"dear"}')).toThrow('model: is given twice.')
})

test.each([
  ...[
    '',
    '[]',
    '"text"',
    '{',
    'null',
    '{"a":1',
    '{"a":1}}',
    '{"a":1} x',
    '{"a":[}',
    '{"a":{]}',
    '{a:1}',
    "{'a':1}",
    '{"a":"',
    '{"a":1,}',
    '{,}',
  ],
  ...['{"a":tru}', '{"a":01}', '{"a":[1,/* " */2]}', '{"a":[1] // "\n}', '\ufeff{}', '{"a" "b"}', '{"a":}', '{"a":"\\', '{"a":NaN}'],
])('%j is no JSON object', (text) => {
  expect(() => scan(text)).toThrow('The body is not a JSON object.')
})

test('agrees with the parser on whatever it takes', () => {
  const value = { a: [1, -2.5e3, null, true, { b: [[], {}, ['"']] }], é: '\ud83d\ude00\u0000', model: 'm\n"', stream: false }
  for (const indent of [0, 1, '\t']) {
    const text = JSON.stringify(value, null, indent)
    expect([field(text), field(text, 'stream')]).toEqual(['m\n"', false])
  }
})

test('pictures and documents are counted apart from words', () => {
  const data = 'A'.repeat(5000)
  const url = `data:image/png;base64,${data}`
  const { media, mediaBytes } = scan(JSON.stringify({ a: [{ data }, { image_url: { url } }, { text: data }, { url: 'https://x' }] }))
  expect([media, mediaBytes]).toEqual([2, data.length + url.length + 4])
})
