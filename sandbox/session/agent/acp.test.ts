import { TransformStream } from 'node:stream/web'
import type { McpServer } from '@agentclientprotocol/sdk'
import { expect, test } from 'vitest'
import { connectAcp } from './acp.ts'

const servers: McpServer[] = [
  { name: 'desktop', command: 'pipe', args: [], env: [] },
  { type: 'http', name: 'issues', url: 'https://helix.example.com/mcp/external/issues', headers: [] },
]
const nothing = { update: () => undefined, ask: async () => null, elicit: async () => null }

/** An agent that says what it can, and keeps the servers it is given. */
function connect(mcpCapabilities: object | undefined) {
  const given: string[][] = []
  const [down, up] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()]
  const writer = up.writable.getWriter()
  void (async () => {
    for await (const text of down.readable.pipeThrough(new TextDecoderStream())) {
      for (const line of text.split('\n').filter((one) => one !== '')) {
        const { id, params } = JSON.parse(line)
        if (params.mcpServers !== undefined) given.push(params.mcpServers.map(({ name }: McpServer) => name))
        const agentCapabilities = { loadSession: true, ...(mcpCapabilities === undefined ? {} : { mcpCapabilities }) }
        const result = { protocolVersion: 1, agentCapabilities, authMethods: [], sessionId: 'one' }
        await writer.write(new TextEncoder().encode(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`))
      }
    }
  })()
  return { link: connectAcp(down.writable, up.readable, nothing, servers), given }
}

test('servers by address are given to agents that take them, in new conversations and in those that go on', async () => {
  const { link, given } = connect({ http: true })
  expect(await link.initialize()).toEqual({ loads: true, leftOut: [] })
  await link.newSession('/')
  await link.loadSession('one', '/')
  expect(given).toEqual([
    ['desktop', 'issues'],
    ['desktop', 'issues'],
  ])
  link.close()
})

test.each([[undefined], [{ sse: true }]])(
  'an agent that takes none keeps its others, and it is said which are left out: %j',
  async (capabilities) => {
    const { link, given } = connect(capabilities)
    expect((await link.initialize()).leftOut).toEqual(['issues'])
    await link.newSession('/')
    expect(given).toEqual([['desktop']])
    link.close()
  },
)
