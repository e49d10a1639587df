import { PGlite } from '@electric-sql/pglite'
import { postgresqlconf } from './pglite-settings.ts'

/** Makes the data folder in a process of its own: initdb leaves 200 MB behind that a process never gives back. */
const [dataDir] = process.argv.slice(2)
if (dataDir === undefined) throw new Error('usage: node pglite-init.ts <data folder>')
await (await PGlite.create({ dataDir, postgresqlconf })).close()
process.exit(0)
