/** A small true function with a test, chosen by the words of the title. */
export interface Change {
  name: string
  source: string
  tests: string
}

const known: [RegExp, Change][] = [
  [
    /slug/i,
    {
      name: 'slugify',
      source: `/** Turns a title into a slug for a URL: lower case, words joined by single dashes, letters and digits only. */
export function slugify(title) {
  return title
    .normalize('NFKD')
    .replace(/[\\u0300-\\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
}
`,
      tests: `test('words are joined by single dashes', () => assert.equal(slugify('Hello,  World!'), 'hello-world'))
test('accents are dropped', () => assert.equal(slugify('Crème brûlée'), 'creme-brulee'))
test('nothing but signs gives nothing', () => assert.equal(slugify('--?!'), ''))
`,
    },
  ],
  [
    /count/i,
    {
      name: 'countWords',
      source: `/** Counts the words of a text; words are runs of letters and digits, an apostrophe inside belongs to them. */
export function countWords(text) {
  return text.match(/[\\p{L}\\p{N}]+(?:['’][\\p{L}\\p{N}]+)*/gu)?.length ?? 0
}
`,
      tests: `test('words are counted', () => assert.equal(countWords("It's a small world"), 4))
test('an empty text has none', () => assert.equal(countWords('  '), 0))
`,
    },
  ],
  [
    /title case|capital/i,
    {
      name: 'titleCase',
      source: `/** Writes the first letter of each word large and leaves the rest as it is. */
export function titleCase(text) {
  return text.replace(/(^|\\s)(\\p{Ll})/gu, (_, before, letter) => before + letter.toUpperCase())
}
`,
      tests: `test('each word begins large', () => assert.equal(titleCase('the end of it'), 'The End Of It'))
test('what is large stays', () => assert.equal(titleCase('HTTP api'), 'HTTP Api'))
`,
    },
  ],
  [
    /truncat|shorten/i,
    {
      name: 'truncate',
      source: `/** Shortens a text to at most \`length\` characters, an ellipsis included. */
export function truncate(text, length) {
  const characters = [...text]
  return characters.length <= length ? text : characters.slice(0, Math.max(0, length - 1)).join('') + '…'
}
`,
      tests: `test('a short text stays', () => assert.equal(truncate('abc', 3), 'abc'))
test('a long text ends with an ellipsis', () => assert.equal(truncate('abcdef', 4), 'abc…'))
`,
    },
  ],
  [
    /palindrom/i,
    {
      name: 'isPalindrome',
      source: `/** Whether a text reads the same backwards; case, spaces and signs do not count. */
export function isPalindrome(text) {
  const letters = [...text.toLowerCase().replace(/[^\\p{L}\\p{N}]/gu, '')]
  return letters.join('') === letters.reverse().join('')
}
`,
      tests: `test('a palindrome is one', () => assert.ok(isPalindrome('Never odd or even')))
test('anything else is not', () => assert.ok(!isPalindrome('Helix')))
`,
    },
  ],
]

const fallback: Change = {
  name: 'pluralize',
  source: `/** "1 file", "2 files": a count with its noun. */
export function pluralize(count, singular, plural = singular + 's') {
  return count + ' ' + (count === 1 ? singular : plural)
}
`,
  tests: `test('one is singular', () => assert.equal(pluralize(1, 'file'), '1 file'))
test('all else is plural', () => assert.equal(pluralize(0, 'file'), '0 files'))
test('an odd plural can be given', () => assert.equal(pluralize(2, 'entry', 'entries'), '2 entries'))
`,
}

export function changeFor(title: string): Change {
  return known.find(([words]) => words.test(title))?.[1] ?? fallback
}

export function testFile(change: Change, modulePath: string): string {
  return `import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { ${change.name} } from '${modulePath}'\n\n${change.tests}`
}
