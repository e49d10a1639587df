import { expect, test } from 'vitest'
import { linkOf } from './link.ts'

test('the link of a mail is opened on this site only', () => {
  const text = 'Hello\n\nhttps://elsewhere.example/x\nhttps://helix.example/join?token=a&b=1\n'
  expect(linkOf(text, 'https://helix.example')).toBe('/join?token=a&b=1')
  expect(linkOf(text, 'https://other.example')).toBeNull()
  expect(linkOf('no link, javascript:alert(1)', 'https://helix.example')).toBeNull()
})
