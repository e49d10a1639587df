import type { McpServerCheck } from '@helix/contract/mcp-servers'
import { wellFormed } from '@helix/contract/text'
import { maskOf } from '../../gateway/catalogue/mask.ts'
import { allows } from '../policy.ts'
import { McpFault } from '../proxy/fault.ts'
import type { Upstream } from '../proxy/upstream.ts'
import { Conversation, NotUnderstood } from './conversation.ts'
import type { OpenServer } from './store.ts'

/** Units: milliseconds for all that is asked. */
const wholeMs = 15_000
const mostPages = 20
const mostTools = 500
const longestDescription = 500

type Tool = McpServerCheck['tools'][number]
type Found = Pick<McpServerCheck, 'ok' | 'problem' | 'fix' | 'server' | 'tools'>

const words = (value: unknown, longest: number): string => (typeof value === 'string' ? wellFormed(value).slice(0, longest) : '')

function toolsIn(result: Record<string, unknown>, server: OpenServer): Tool[] {
  const listed: unknown[] = Array.isArray(result.tools) ? result.tools : []
  return listed.flatMap((tool) => {
    const { name, description } = (tool ?? {}) as { name?: unknown; description?: unknown }
    if (typeof name !== 'string') return []
    return [{ name: words(name, 256), description: words(description, longestDescription), allowed: allows(server, name) }]
  })
}

async function ask(talk: Conversation, server: OpenServer): Promise<Found> {
  const { serverInfo, capabilities } = await talk.initialize()
  const { name, version } = (serverInfo ?? {}) as { name?: unknown; version?: unknown }
  const called = `${words(name, 100)} ${words(version, 50)}`.trim() || null
  const tools: Tool[] = []
  let cursor: unknown
  if (typeof (capabilities as { tools?: unknown } | undefined)?.tools === 'object')
    for (let page = 0; page < mostPages && tools.length < mostTools; page++) {
      const result = await talk.ask('tools/list', typeof cursor === 'string' ? { cursor } : {})
      tools.push(...toolsIn(result, server))
      cursor = result.nextCursor
      if (typeof cursor !== 'string') break
    }
  const none = tools.length > 0 && !tools.some(({ allowed }) => allowed)
  const problem = none ? 'It answers, but no tool of it is allowed.' : null
  return { ok: !none, problem, fix: none ? 'Allow some of its tools.' : null, server: called, tools: tools.slice(0, mostTools) }
}

function problemOf(error: unknown, server: OpenServer): Found {
  const found = { ok: false, server: null, tools: [] }
  const [missing] = server.missing
  if (missing !== undefined) return { ...found, problem: `The secret ${missing} is not there.`, fix: 'Add it under Secrets.' }
  if (error instanceof NotUnderstood) return { ...found, problem: error.message, fix: error.fix }
  if (error instanceof McpFault) return { ...found, problem: error.message, fix: 'Look at its address and its headers.' }
  const { code, message } = error as { code?: string; message?: string }
  // Words of the guard are for people; those of a connection are codes.
  const why = code === undefined ? (message ?? '') : code
  return { ...found, problem: `${server.name} cannot be reached: ${why.slice(0, 300)}`, fix: 'Look at its address, and whether it runs.' }
}

const masked = (found: Found, server: OpenServer): Found => {
  const text = JSON.stringify(found)
  const after = maskOf(server.secrets)(Buffer.from(text)).toString('utf8')
  return after === text ? found : JSON.parse(after)
}

/** Asks a server what it is and which tools it has. Never throws for what the server does. */
export async function checkServer(
  upstream: Upstream,
  server: OpenServer,
  limitMs = Math.min(wholeMs, server.timeLimitMs),
): Promise<McpServerCheck> {
  const start = performance.now()
  const talk = new Conversation(upstream, server, limitMs)
  let found: Found
  try {
    found = await ask(talk, server)
  } catch (error) {
    found = problemOf(error, server)
  } finally {
    await talk.end()
  }
  return { ...masked(found, server), durationMs: Math.round(performance.now() - start) }
}
