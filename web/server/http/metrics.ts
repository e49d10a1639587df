import { createServer, type Server } from 'node:http'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'

/** Prometheus on a port of its own, so that it is never public by accident. */
export class Metrics {
  private readonly registry = new Registry()
  private readonly requests: Histogram<'route' | 'status'>

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    this.requests = new Histogram({
      name: 'helix_http_request_duration_seconds',
      help: 'Time to the end of the answer, by route',
      labelNames: ['route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [this.registry],
    })
  }

  observe(route: string, status: number, seconds: number): void {
    this.requests.observe({ route, status: String(status) }, seconds)
  }

  listen(port: number, address: string): Server | null {
    if (port === 0) return null
    const server = createServer(async (request, response) => {
      if (request.url !== '/metrics') {
        response.writeHead(404).end()
        return
      }
      response.setHeader('content-type', this.registry.contentType)
      response.end(await this.registry.metrics())
    })
    return server.listen(port, address)
  }
}
