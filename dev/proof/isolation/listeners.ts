import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Services that a machine may have and a session may not reach, each at its usual port where that is free, on every address. */
const services = { 'Docker engine': 2375, Temporal: 7233, PostgreSQL: 5432 }
export type Service = keyof typeof services

/** Stand-ins of this proof: they take connections and say nothing. */
export class Listeners implements AsyncDisposable {
  readonly ports = new Map<Service, number>()
  private readonly servers: Server[] = []

  static async open(): Promise<Listeners> {
    const all = new Listeners()
    for (const [name, port] of Object.entries(services)) all.ports.set(name as Service, await all.listen(port).catch(() => all.listen(0)))
    return all
  }

  /** Addresses of this machine that another one could use. */
  get addresses(): string[] {
    const found = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
    return [...new Set(found.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address))]
  }

  private listen(port: number): Promise<number> {
    const server = createServer((socket) => socket.on('error', () => undefined).end())
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '0.0.0.0', () => {
        this.servers.push(server)
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}
