import { expect, test } from 'vitest'
import { maskOf } from './mask.ts'

const say = (masked: Parameters<typeof maskOf>[0], text: string): string => maskOf(masked)(Buffer.from(text)).toString()

test('known values are replaced by their names, the longest first', () => {
  const masked = [
    { name: 'SHORT', value: 'token-12' },
    { name: 'LONG', value: 'token-12345' },
  ]
  expect(say(masked, 'a token-12345 and a token-12')).toBe('a [secret LONG] and a [secret SHORT]')
})

const awkward = 'pa"ss\\wo/rd\n<ü&€>'
const object = { content: `it is ${awkward}!` }
test.each([
  ['plain', awkward, '[secret KEY]'],
  ['JSON', JSON.stringify(object), '{"content":"it is [secret KEY]!"}'],
  [
    'JSON in JSON',
    JSON.stringify({ arguments: JSON.stringify(object) }),
    JSON.stringify({ arguments: '{"content":"it is [secret KEY]!"}' }),
  ],
  ['ASCII JSON', JSON.stringify(object).replaceAll('ü', '\\u00fc').replaceAll('€', '\\u20ac'), '{"content":"it is [secret KEY]!"}'],
  ['JSON with escaped slashes', JSON.stringify(object).replaceAll('/', '\\/'), '{"content":"it is [secret KEY]!"}'],
  [
    'JSON of Go',
    JSON.stringify(object).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026'),
    '{"content":"it is [secret KEY]!"}',
  ],
])('a value with quotes, slashes and umlauts is found in %s', (_form, text, expected) => {
  expect(say([{ name: 'KEY', value: awkward }], text)).toBe(expected)
})

test('a body without a secret is the same bytes, broken characters too', () => {
  const body = Buffer.from([0xff, 0xfe, 0x41])
  expect(maskOf([{ name: 'KEY', value: 'secret-value' }])(body)).toBe(body)
})

test('values that are too short to be told from words are left', () => {
  expect(say([{ name: 'FLAG', value: 'true' }], '{"stream":true}')).toBe('{"stream":true}')
})

test('what is masked is still JSON', () => {
  const masked = maskOf([{ name: 'KEY', value: 'line one\nline "two"' }])
  const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'cat key: line one\nline "two"' }] }))
  expect(JSON.parse(masked(body).toString())).toEqual({ messages: [{ role: 'user', content: 'cat key: [secret KEY]' }] })
})
