import { readFileSync, writeFileSync } from 'node:fs'
import { conformanceTables } from './conformance.ts'
import { documentPath, withTables } from './conformance-document.ts'

// node web/server/gateway/testing/conformance-write.ts: asks every pair and writes what came of it.
writeFileSync(documentPath, withTables(readFileSync(documentPath, 'utf8'), await conformanceTables()))
