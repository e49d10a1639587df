import { chmod, chown, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { type Log, reasonOf } from '../log.ts'
import type { AgentUser } from '../user.ts'
import type { CallTool, McpConnection } from './mcp.ts'

/** Units: bytes of one message. A clipboard of a million characters fits. */
const longestLine = 8 * 1024 * 1024
/** An agent opens one, and one more when it is started anew. */
const mostClients = 8

export interface HandsSocketInput {
  path: string
  user: AgentUser
  log: Log
  call: CallTool
}

/** The socket that the agent's end of the MCP server `desktop` connects to; only its user may. */
export class HandsSocket implements AsyncDisposable {
  private readonly server: Server
  private readonly input: HandsSocketInput
  private readonly clients = new Set<Socket>()

  private constructor(input: HandsSocketInput) {
    this.input = input
    this.server = createServer((socket) => void this.attend(socket))
    this.server.maxConnections = mostClients
  }

  /** A socket that an earlier start left there is replaced. */
  static async open(input: HandsSocketInput): Promise<HandsSocket> {
    const { path, user } = input
    await rm(path, { force: true })
    const opened = new HandsSocket(input)
    // Nobody but root until it has its owner.
    const mask = process.umask(0o177)
    try {
      await new Promise<void>((resolve, reject) => {
        opened.server.once('error', reject)
        opened.server.listen(path, resolve)
      })
    } finally {
      process.umask(mask)
    }
    await chmod(path, 0o600)
    if (user.ids !== null) await chown(path, user.ids.uid, user.ids.gid)
    return opened
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.destroy()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  /** What the protocol needs is loaded when somebody speaks it. */
  private async attend(socket: Socket): Promise<void> {
    const { log, call } = this.input
    this.clients.add(socket)
    let connection: McpConnection | null = null
    socket.on('error', (error) => log.warn('the socket of the desktop tools failed', { reason: reasonOf(error) }))
    socket.on('close', () => {
      this.clients.delete(socket)
      connection?.close()
    })
    socket.pause()
    const { McpConnection: Connection } = await import('./mcp.ts')
    connection = new Connection(call, (message) => {
      if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
    })
    readLines(socket, connection)
    socket.resume()
  }
}

function readLines(socket: Socket, connection: McpConnection): void {
  let parts: Buffer[] = []
  let size = 0
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = Buffer.concat([...parts, rest.subarray(0, at)])
        .toString('utf8')
        .trim()
      rest = rest.subarray(at + 1)
      parts = []
      size = 0
      if (line !== '') connection.receive(line)
    }
    size += rest.byteLength
    if (size > longestLine) return void socket.destroy()
    if (rest.byteLength > 0) parts.push(rest)
  })
}
