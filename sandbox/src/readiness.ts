import { createServer } from 'node:http'

export interface Probed {
  /** Each part by name; those that are well begin with `ok`. */
  parts(): Record<string, string>
  /** In the text format of Prometheus. */
  metrics(): string
}

/** Answers `/healthz` (the process lives), `/readyz` (200 when every part is well) and `/metrics`. `null` where nobody asks. */
export async function answerProbes(port: number, { parts, metrics }: Probed): Promise<AsyncDisposable | null> {
  if (port === 0) return null
  const server = createServer((request, response) => {
    if (request.url === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      return void response.end(metrics())
    }
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
