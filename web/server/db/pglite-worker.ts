import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { postgresqlconf } from './pglite-settings.ts'

const { folder, socket } = workerData as { folder: string; socket: string }
const db = await PGlite.create({ dataDir: folder, postgresqlconf })
const server = new PGLiteSocketServer({ db, path: socket, maxConnections: 20 })
await server.start()
parentPort?.on('message', async () => {
  await server.stop()
  await db.close()
  process.exit(0)
})
parentPort?.postMessage('ready')
