import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { conformanceTables } from './conformance.ts'
import { documentPath, withTables } from './conformance-document.ts'

test('the conformance tables of docs/gateway.md say what is so: else run node web/server/gateway/testing/conformance-write.ts', async () => {
  const document = readFileSync(documentPath, 'utf8')
  expect(withTables(document, await conformanceTables())).toBe(document)
}, 120_000)
