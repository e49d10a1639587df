import { createConnection, createServer, type Socket } from 'node:net'

/** A Unix socket in front of the real engine that can be cut and mended: to a sandbox host, cut is "Docker stopped". */
export class DockerProxy implements AsyncDisposable {
  private readonly sockets = new Set<Socket>()
  private cutOff = false
  private readonly server = createServer((client) => this.splice(client))
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async open(path: string): Promise<DockerProxy> {
    const proxy = new DockerProxy(path)
    await new Promise<void>((resolve) => proxy.server.listen(path, resolve))
    return proxy
  }

  private splice(client: Socket): void {
    if (this.cutOff) {
      client.destroy()
      return
    }
    const engine = createConnection('/var/run/docker.sock')
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.sockets.delete(from)
        to.destroy()
      })
    }
  }

  cut(): void {
    this.cutOff = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend(): void {
    this.cutOff = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
