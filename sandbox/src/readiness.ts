import { createServer } from 'node:http'

/** Answers `/healthz` (the process lives) and `/readyz` (each part by name; all begin with `ok`). `null` where nobody asks. */
export async function answerProbes(port: number, parts: () => Record<string, string>): Promise<AsyncDisposable | null> {
  if (port === 0) return null
  const server = createServer((request, response) => {
    const checks = parts()
    const alive = request.url === '/healthz'
    const ready = alive || (request.url === '/readyz' && Object.values(checks).every((check) => check.startsWith('ok')))
    response.writeHead(ready ? 200 : request.url === '/readyz' ? 503 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(alive ? { status: 'ok' } : checks))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => resolve())
  })
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
