import { createConnection, createServer, type Socket } from 'node:net'

/** A Unix socket in front of the real engine that can be cut and mended: to a host, cut is "Docker stopped". */
export class EngineSocket implements AsyncDisposable {
  readonly path: string
  private readonly sockets = new Set<Socket>()
  private isCut: boolean
  private readonly server = createServer((client) => this.splice(client))

  private constructor(path: string, isCut: boolean) {
    this.path = path
    this.isCut = isCut
  }

  static async open(path: string, isCut = false): Promise<EngineSocket> {
    const socket = new EngineSocket(path, isCut)
    await new Promise<void>((resolve) => socket.server.listen(path, resolve))
    return socket
  }

  cut(): void {
    this.isCut = true
    for (const socket of this.sockets) socket.destroy()
  }

  mend(): void {
    this.isCut = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private splice(client: Socket): void {
    if (this.isCut) {
      client.destroy()
      return
    }
    const engine = createConnection(process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock')
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.sockets.add(from)
      from.pipe(to)
      // Either end may break off; the other is told by its close.
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.sockets.delete(from)
        to.destroy()
      })
    }
  }
}
