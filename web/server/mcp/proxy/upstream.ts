import { Agent, buildConnector } from 'undici'
import { guardedConnector } from '../../gateway/catalogue/guard.ts'
import { Exchange } from '../../gateway/upstream/exchange.ts'
import type { OpenServer } from '../servers/store.ts'
import { failed } from './fault.ts'

export type Verb = 'GET' | 'POST' | 'DELETE'

export interface Outgoing {
  method: Verb
  body: Buffer | null
  /** Of the agent, those of `passedHeaders` alone. */
  headers: Readonly<Record<string, string>>
}

/** What an agent may say to a server by headers; all others, its token first, stay here. */
export const passedHeaders = ['accept', 'mcp-session-id', 'mcp-protocol-version', 'last-event-id'] as const

const connectMs = 10_000
/** Streams of a thousand sessions are a thousand connections. */
const connections = 2048
/** What would begin another header or another request. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/

/** Connections to MCP servers. Redirects are followed by nobody: they could lead anywhere. */
export class Upstream implements AsyncDisposable {
  private readonly agent: Agent

  /** `guarded`: into the public internet alone. */
  constructor(guarded: boolean) {
    const options = { timeout: connectMs, allowH2: false }
    const connect = guarded ? guardedConnector(options) : buildConnector(options)
    this.agent = new Agent({ connect, connections, allowH2: false, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  }

  ask(server: Pick<OpenServer, 'name' | 'url' | 'headers' | 'missing'>, { method, body, headers }: Outgoing): Exchange {
    const [missing] = server.missing
    if (missing !== undefined)
      throw failed(
        `The MCP server ${server.name} needs the secret ${missing}, which is not there. Whoever may change the project (an admin) sets it under Secrets.`,
      )
    for (const [name, value] of Object.entries(server.headers))
      if (unsafe.test(value))
        throw failed(`The secret for the header ${name} of the MCP server ${server.name} holds characters that no header may have.`)
    const { origin, pathname } = new URL(server.url)
    const all = {
      'user-agent': 'helix-mcp',
      'accept-encoding': 'identity',
      ...headers,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...server.headers,
    }
    return new Exchange(this.agent, { origin, path: pathname, method, headers: all, body })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.destroy()
  }
}
