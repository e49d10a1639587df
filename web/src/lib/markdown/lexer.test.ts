import { expect, test } from 'vitest'
import { renderMarkdown } from './render.ts'

test.each([
  ['quotes in quotes', `${'>'.repeat(20_000)} end`],
  ['quotes whose last lines have no mark', `${'>'.repeat(10_000)}\n${'a\n'.repeat(5_000)}end`],
  ['lists in lists', `${'- '.repeat(10_000)}end`],
  ['lists in lists, by indentation', `${Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth * 2)}- a`).join('\n')}\nend`],
  ['emphasis in emphasis', `${'_a '.repeat(3_000)}${' a_'.repeat(3_000)} end`],
  ['strong in emphasis', `${'*a **b '.repeat(700)}${'b** a* '.repeat(700)}end`],
  ['a word that may be an address', `${'a'.repeat(100_000)}@ end`],
])('%s are shown, however many', (_, source) => {
  const { html } = renderMarkdown(source, [])
  expect(html).toContain('end')
  expect(html.match(/<(blockquote|ul|em)>/g)?.length ?? 0).toBeLessThan(100)
})

test('what people write is read as deep as they write it', () => {
  const { html } = renderMarkdown('> - > 1. **_[`a`](https://x.example)_**')
  expect(html).toMatch(/<blockquote><ul><li><div><blockquote><ol>.*<strong><em><a [^>]*><code>a<\/code>/)
})
