import { expect, test } from 'vitest'
import { isMissingPart } from './missing-part.ts'

test.each([
  ['Chromium', 'Failed to fetch dynamically imported module: http://localhost/_app/immutable/nodes/4.js'],
  ['Firefox', 'error loading dynamically imported module: http://localhost/_app/immutable/nodes/4.js'],
  ['Safari', 'Importing a module script failed.'],
  ['Vite', 'Unable to preload CSS for /_app/immutable/assets/4.css'],
])('a part that did not arrive is known as one in %s', (_, message) => {
  expect(isMissingPart(new TypeError(message))).toBe(true)
})

test('a mistake of the program is none', () => {
  expect(isMissingPart(new TypeError("Cannot read properties of undefined (reading 'module')"))).toBe(false)
  expect(isMissingPart('dynamically imported module')).toBe(false)
})
