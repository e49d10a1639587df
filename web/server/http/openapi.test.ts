import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openApiDocument } from './openapi.ts'

test('docs/openapi.json is what the contract says', () => {
  const written = readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')
  expect(JSON.parse(written), 'run: node web/server/http/openapi-write.ts').toEqual(JSON.parse(JSON.stringify(openApiDocument())))
})
