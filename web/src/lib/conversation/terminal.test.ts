import { expect, test } from 'vitest'
import { plainOutput } from './terminal.ts'

test('colours, titles and cursor moves are left out', () => {
  expect(plainOutput('\u001b[1;32mok\u001b[0m \u001b]0;title\u0007done\u001b[2K')).toBe('ok done')
})

test('a line that was written over shows its last state', () => {
  expect(plainOutput('10%\r50%\r100%\r\nend\r')).toBe('100%\nend')
})
