import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer as Served } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

export type Play = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

export interface RealServer extends AsyncDisposable {
  url: string
  /** What it was asked, headers of all requests. */
  heard: { method: string; headers: IncomingMessage['headers']; body: string }[]
  /** Answers instead of the protocol; null: the protocol does. */
  play: Play | null
  /** Sessions of the protocol that are open. */
  sessions: Map<string, { transport: StreamableHTTPServerTransport; served: Served }>
}

function toolsOf(): Served {
  const served = new Served({ name: 'issues', version: '1.2.3' })
  const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
  served.registerTool('read_issue', { description: 'Reads one', inputSchema: { id: z.number() } }, ({ id }) => text(`issue ${id}`))
  served.registerTool('list_issues', { description: 'Lists all' }, () => text('one, two'))
  served.registerTool('delete_issue', { description: 'Removes one', inputSchema: { id: z.number() } }, ({ id }) => text(`gone ${id}`))
  served.registerTool('echo', { inputSchema: { words: z.string() } }, ({ words }) => text(words))
  served.registerTool('whoami', {}, ({ requestInfo }) => text(`you sent ${JSON.stringify(requestInfo?.headers)}`))
  served.registerTool('progress', {}, async ({ sendNotification, _meta }) => {
    const progressToken = _meta?.progressToken ?? 'none'
    for (let progress = 1; progress <= 3; progress++)
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } })
    return text('done')
  })
  return served
}

/** A server of the official SDK on a real socket. `json`: it answers with JSON and not with events. */
export async function openRealServer({ json = false } = {}): Promise<RealServer> {
  const sessions: RealServer['sessions'] = new Map()
  const real = { heard: [] as RealServer['heard'], play: null as Play | null, sessions }
  const answer = async (request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known !== undefined)
      return known.transport.handleRequest(request, response, body.length > 0 ? JSON.parse(body.toString()) : undefined)
    if (id !== undefined) return void response.writeHead(404).end('no such session')
    const served = toolsOf()
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      enableJsonResponse: json,
      onsessioninitialized: (made) => void sessions.set(made, { transport, served }),
      onsessionclosed: (ended) => void sessions.delete(ended),
    })
    await served.connect(transport as Parameters<Served['connect']>[0])
    await transport.handleRequest(request, response, body.length > 0 ? JSON.parse(body.toString()) : undefined)
  }
  const http: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      real.heard.push({ method: request.method ?? '', headers: request.headers, body: body.toString() })
      if (real.play !== null) real.play(request, response, body)
      else void answer(request, response, body)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return Object.assign(real, {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  })
}
