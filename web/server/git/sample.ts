/** The built-in sample: a small library with tests and no dependencies, on which an agent can make a small true change. */
type Files = readonly (readonly [path: string, text: string])[]

const packageJson = `{
  "name": "sample",
  "version": "1.0.0",
  "description": "Small functions for text.",
  "type": "module",
  "exports": "./src/index.js",
  "scripts": {
    "test": "node --test"
  },
  "engines": {
    "node": ">=20"
  },
  "license": "MIT"
}
`

const readme = `# sample

Small functions for text, without dependencies.

\`\`\`js
import { slugify, truncate, wordCount } from 'sample'

slugify('Hello, World!') // 'hello-world'
truncate('a long sentence', 8) // 'a long …'
wordCount('one two three') // 3
\`\`\`

Run the tests with \`npm test\`.

## Layout

- \`src/\` one function per file, all exported by \`src/index.js\`
- \`test/\` one test file per function, run by \`node --test\`
`

const slugify = `/** Makes a text fit for a URL: lower case, letters and digits, joined by dashes. */
export function slugify(text) {
  return text
    .normalize('NFKD')
    .replace(/[\\u0300-\\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
`

const slugifyTest = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slugify } from '../src/index.js'

test('words are joined by dashes', () => {
  assert.equal(slugify('Hello, World!'), 'hello-world')
})

test('accents are dropped', () => {
  assert.equal(slugify('Crème brûlée'), 'creme-brulee')
})

test('a text without letters or digits gives nothing', () => {
  assert.equal(slugify('!?'), '')
})
`

const truncate = `/** Cuts a text to at most \`length\` characters; what was cut ends in an ellipsis. */
export function truncate(text, length) {
  const characters = [...text]
  if (characters.length <= length) return text
  return \`\${characters.slice(0, Math.max(0, length - 1)).join('')}…\`
}
`

const truncateTest = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { truncate } from '../src/index.js'

test('a short text stays as it is', () => {
  assert.equal(truncate('short', 10), 'short')
})

test('a long text is cut and says so', () => {
  assert.equal(truncate('a long sentence', 8), 'a long …')
})
`

const wordCount = `/** How many words a text has; what stands between white space is a word. */
export function wordCount(text) {
  return text.split(/\\s+/).filter((word) => word !== '').length
}
`

const wordCountTest = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordCount } from '../src/index.js'

test('words are counted', () => {
  assert.equal(wordCount('one two  three'), 3)
})

test('an empty text has no words', () => {
  assert.equal(wordCount(' '), 0)
})
`

const commits: readonly { message: string; files: Files }[] = [
  {
    message: 'Start with slugify',
    files: [
      ['.gitignore', 'node_modules/\n'],
      ['package.json', packageJson],
      ['src/index.js', "export { slugify } from './slugify.js'\n"],
      ['src/slugify.js', slugify],
      ['test/slugify.test.js', slugifyTest],
    ],
  },
  {
    message: 'Add truncate and wordCount',
    files: [
      ['src/index.js', ['slugify', 'truncate', 'word-count'].map((file) => `export * from './${file}.js'\n`).join('')],
      ['src/truncate.js', truncate],
      ['src/word-count.js', wordCount],
      ['test/truncate.test.js', truncateTest],
      ['test/word-count.test.js', wordCountTest],
    ],
  },
  { message: 'Say what it does', files: [['README.md', readme]] },
]

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`

/** A stream for `git fast-import`: the same bytes, and so the same commit ids, each time. */
export function sampleStream(branch: string): string {
  return commits
    .map(({ message, files }, index) => {
      const who = `Helix <helix@localhost> ${1_735_689_600 + index * 3600} +0000`
      const changes = files.map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`)
      const from = index === 0 ? 'reset refs/heads/' : ''
      const head = from === '' ? '' : `${from}${branch}\n`
      return `${head}commit refs/heads/${branch}\nauthor ${who}\ncommitter ${who}\n${data(`${message}\n`)}${changes.join('')}\n`
    })
    .join('')
}
