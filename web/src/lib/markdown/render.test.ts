import { describe, expect, test } from 'vitest'
import { renderMarkdown } from './render.ts'
import { passageBetween } from './selection.ts'

const sample = `# Add a *greeting*

Some **bold** and \`code\` with a [link](https://x.example/bold) and bold again.

- first item
  goes on here
- [ ] a task
- [x] done task

| name | meaning |
| ---- | ------- |
| a    | first   |

\`\`\`ts
const first = 1
\`\`\`

> quoted &amp; said
`

/** Every piece that claims an offset, with the text it shows. */
function pieces(html: string): { at: number; length: number | null; text: string }[] {
  return [...html.matchAll(/<span data-at="(\d+)"(?: data-length="(\d+)")?>([^<]*)<\/span>/g)].map((match) => ({
    at: Number(match[1]),
    length: match[2] === undefined ? null : Number(match[2]),
    text: (match[3] ?? '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&'),
  }))
}

describe('rendering', () => {
  test('raw HTML is shown as text and runs nothing', () => {
    const { html } = renderMarkdown('<img src=x onerror=alert(1)>\n\nText <script>alert(2)</script> end')
    expect(html).not.toMatch(/<(img|script)/)
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
  })

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
  ])('a link to %j is not a link', (href) => {
    expect(renderMarkdown(`[text](<${href}>)`).html).not.toContain('<a')
  })

  test('a quote in an address stays inside its attribute', () => {
    expect(renderMarkdown('[x](<https://a.example/"onmouseover="alert(1)>)').html).not.toContain('"onmouseover')
  })

  test('an image is a link, so that reading tells nobody', () => {
    expect(renderMarkdown('![chart](https://x.example/pixel.png)').html).toContain('<a href="https://x.example/pixel.png"')
    expect(renderMarkdown('![chart](https://x.example/pixel.png)').html).not.toContain('<img')
  })

  test('character references are shown as characters', () => {
    expect(renderMarkdown('a &lt;b&gt; &#38; &copy;').html).toContain('a &lt;b&gt; &amp; ©')
  })

  test('headings make the outline', () => {
    expect(renderMarkdown('# One\n\n## Two `x`').headings).toEqual([
      { id: 'h-1', depth: 1, text: 'One' },
      { id: 'h-2', depth: 2, text: 'Two x' },
    ])
  })
})

describe('places in the source', () => {
  test('every piece of rendered text is literally at its offset', () => {
    const found = pieces(renderMarkdown(sample, []).html)
    expect(found.length).toBeGreaterThan(12)
    for (const { at, length, text } of found) {
      if (length === null) expect(sample.slice(at, at + text.length)).toBe(text)
    }
  })

  test('text that stands twice is told apart', () => {
    const found = pieces(renderMarkdown(sample, []).html)
    const bold = found.filter(({ text }) => text.includes('bold'))
    expect(bold.map(({ at }) => at)).toEqual([sample.indexOf('**bold') + 2, sample.indexOf(' and bold again')])
    const first = found.filter(({ text }) => text.includes('first'))
    expect(first.map(({ at }) => at)).toEqual([sample.indexOf('first item'), sample.indexOf('first   |'), sample.indexOf('const first')])
  })

  test('a continued list item is placed line by line', () => {
    expect(pieces(renderMarkdown(sample, []).html)).toContainEqual({ at: sample.indexOf('goes on'), length: null, text: 'goes on here' })
  })

  test('Windows line ends move nothing inside the normalised source', () => {
    const { html } = renderMarkdown('one\r\n\r\ntwo', [])
    expect(pieces(html)).toEqual([
      { at: 0, length: null, text: 'one' },
      { at: 5, length: null, text: 'two' },
    ])
  })

  test('a marked passage is highlighted across formatting', () => {
    const start = sample.indexOf('Some')
    const { html } = renderMarkdown(sample, [{ id: 'c1', start, end: sample.indexOf(' with') }])
    const marked = [...html.matchAll(/<mark data-comment="c1"><span data-at="\d+">([^<]*)</g)].map((match) => match[1])
    expect(marked).toEqual(['Some ', 'bold', ' and ', 'code'])
  })
})

describe('selections', () => {
  test('a selection across formatting quotes the source with its marks', () => {
    const at = sample.indexOf('Some')
    const passage = passageBetween(sample, { at, into: 2 }, { at: sample.indexOf('bold**'), into: 4 })
    expect(passage).toEqual({ quote: 'me **bold', offset: at + 2 })
  })

  test('blank ends are left out and a blank selection is none', () => {
    expect(passageBetween('a  b  c', { at: 1, into: 0 }, { at: 1, into: 4 })).toEqual({ quote: 'b', offset: 3 })
    expect(passageBetween('a  b', { at: 1, into: 0 }, { at: 1, into: 2 })).toBeNull()
  })

  test('half a character reference becomes the whole of it', () => {
    const source = 'x &amp; y'
    expect(passageBetween(source, { at: 0, into: 0 }, { at: 0, into: 3, length: 9 })).toEqual({ quote: source, offset: 0 })
  })
})
