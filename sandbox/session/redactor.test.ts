import { expect, test } from 'vitest'
import { Redactor } from './redactor.ts'

const redactor = new Redactor([
  { name: 'NPM_TOKEN', value: 'npm_s3cret/"x"' },
  { name: 'KEY', value: '-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nshort\n-----END KEY-----\n' },
  { name: 'LONGER', value: 'npm_s3cret/"x"-and-more' },
  { name: 'TINY', value: 'on' },
])

test.each([
  ['token npm_s3cret/"x" here', 'token [NPM_TOKEN] here'],
  ['npm_s3cret/"x"-and-more', '[LONGER]'],
  [JSON.stringify({ a: 'npm_s3cret/"x"' }), '{"a":"[NPM_TOKEN]"}'],
  ['https://x/?t=npm_s3cret%2F%22x%22', 'https://x/?t=[NPM_TOKEN]'],
  [`Basic ${Buffer.from('npm_s3cret/"x"').toString('base64')}`, 'Basic [NPM_TOKEN]'],
  ['a line of it: MIIEvQIBADANBgkq', 'a line of it: [KEY]'],
  ['short words stay on', 'short words stay on'],
])('%j is shown as %j', (text, shown) => {
  expect(redactor.text(text).replace(/=+$/, '')).toBe(shown.replace(/=+$/, ''))
})

test('every string of a value is looked at', () => {
  expect(redactor.deep({ a: ['npm_s3cret/"x"', 1, null], b: { c: 'npm_s3cret/"x"' } })).toEqual({
    a: ['[NPM_TOKEN]', 1, null],
    b: { c: '[NPM_TOKEN]' },
  })
})

test('the beginning of a secret at the end of a stream waits for the rest', () => {
  expect(redactor.pending('see npm_s3c')).toBe(7)
  expect(redactor.pending('see npm_s3cret/"x"-an')).toBe(17)
  expect(redactor.pending('nothing here.')).toBe(0)
})

test('bytes of a file keep their length, and a value that a database keeps in two pieces is found by the larger one', () => {
  const secret = 'a-value-of-thirty-two-characters'
  const redactor = new Redactor([{ name: 'KEY', value: secret }])
  const whole = Buffer.from(`before ${secret} after`)
  expect(redactor.bytes(whole, false)?.toString()).toBe(`before ${'*'.repeat(secret.length)} after`)
  const torn = Buffer.from(`page ${secret.slice(0, 20)}\0\0\0\0${secret.slice(20)} end`)
  expect(redactor.bytes(torn, false)).toBe(null)
  expect(redactor.bytes(torn, true)?.toString('latin1')).toBe(`page ${'*'.repeat(20)}\0\0\0\0${secret.slice(20)} end`)
  const other = Buffer.from(`page ${secret.slice(0, 10)}\0\0\0\0${secret.slice(10)} end`)
  expect(redactor.bytes(other, true)?.toString('latin1')).toBe(`page ${secret.slice(0, 10)}\0\0\0\0${'*'.repeat(22)} end`)
  expect(redactor.bytes(Buffer.from('nothing of it'), true)).toBe(null)
})
