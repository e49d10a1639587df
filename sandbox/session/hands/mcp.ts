import { z } from 'zod'
import { tools } from './catalogue.ts'
import type { Told } from './hands.ts'

/** Of the Model Context Protocol, newest first. Source: https://modelcontextprotocol.io/specification */
const versions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
/** JSON-RPC's. */
const codes = { parse: -32_700, invalid: -32_600, noMethod: -32_601, badParams: -32_602 }
const mostRunning = 64

const id = z.union([z.string().max(200), z.number()])
const message = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: id.nullish(),
  method: z.string().max(200).optional(),
  params: z.unknown().optional(),
})
const called = z.looseObject({
  name: z.string().max(200),
  arguments: z.unknown().optional(),
  /** Claude Code says which of its calls this is. */
  _meta: z.looseObject({ 'claudecode/toolUseId': z.string().max(200).optional() }).optional(),
})
const cancelled = z.looseObject({ requestId: id })
const greeting = z.looseObject({ protocolVersion: z.string() })

export type CallTool = (name: string, args: unknown, signal: AbortSignal, callId: string | null) => Promise<Told>

/**
 * One client of the MCP server `desktop`, a message at a time. Its own few lines: the SDK would cost each session a process of Node, or the supervisor
 * a fifth of the memory it may have; see docs/adr/0031.
 */
export class McpConnection {
  private readonly call: CallTool
  private readonly send: (message: object) => void
  private readonly running = new Map<string | number, AbortController>()

  constructor(call: CallTool, send: (message: object) => void) {
    this.call = call
    this.send = send
  }

  /** Answers come by `send`, in the order they are ready. */
  receive(line: string): void {
    const json = jsonOf(line)
    const parsed = message.safeParse(json)
    if (json === undefined) this.refuse(null, codes.parse, 'This is no JSON.')
    else if (!parsed.success) this.refuse(null, codes.invalid, 'This is no JSON-RPC 2.0 message.')
    else this.take(parsed.data)
  }

  /** The client is gone: nothing waits for an answer. */
  close(): void {
    for (const controller of this.running.values()) controller.abort()
  }

  private take({ id: asked, method, params }: z.output<typeof message>): void {
    // An answer to a question that was never asked.
    if (method === undefined) return
    if (asked == null) this.heard(method, params)
    else if (method === 'initialize') this.answer(asked, greetingOf(params))
    else if (method === 'ping') this.answer(asked, {})
    else if (method === 'tools/list') this.answer(asked, { tools: listed })
    else if (method === 'tools/call') void this.run(asked, params)
    else this.refuse(asked, codes.noMethod, `${method} is not known here: this server has tools only.`)
  }

  private heard(method: string, params: unknown): void {
    if (method !== 'notifications/cancelled') return
    const parsed = cancelled.safeParse(params)
    if (parsed.success) this.running.get(parsed.data.requestId)?.abort()
  }

  private async run(asked: string | number, params: unknown): Promise<void> {
    const parsed = called.safeParse(params)
    if (!parsed.success) return this.refuse(asked, codes.badParams, 'tools/call has the name of a tool and its arguments.')
    if (this.running.has(asked) || this.running.size >= mostRunning)
      return this.refuse(asked, codes.invalid, 'A request with this id runs already, or too many run.')
    const controller = new AbortController()
    this.running.set(asked, controller)
    const { name, arguments: args, _meta: meta } = parsed.data
    const told = await this.call(name, args, controller.signal, meta?.['claudecode/toolUseId'] ?? null)
    this.running.delete(asked)
    // Who cancelled does not want an answer.
    if (!controller.signal.aborted) this.answer(asked, resultOf(told))
  }

  private answer(asked: string | number, result: object): void {
    this.send({ jsonrpc: '2.0', id: asked, result })
  }

  private refuse(asked: string | number | null, code: number, text: string): void {
    this.send({ jsonrpc: '2.0', id: asked, error: { code, message: text } })
  }
}

const listed = tools.map(({ name, description, schema, looksOnly }) => {
  const { $schema: _, ...inputSchema } = z.toJSONSchema(schema, { io: 'input' })
  return { name, description, inputSchema, annotations: { readOnlyHint: looksOnly, destructiveHint: false, openWorldHint: false } }
})

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function greetingOf(params: unknown): object {
  const parsed = greeting.safeParse(params)
  const wanted = parsed.success ? parsed.data.protocolVersion : ''
  return {
    protocolVersion: versions.includes(wanted) ? wanted : versions[0],
    capabilities: { tools: {} },
    serverInfo: { name: 'desktop', title: 'The desktop of this session', version: '1' },
    instructions:
      'The desktop of this session: a screen with windows, a browser, a terminal and an editor, which people can watch. ' +
      'Look with screenshot, act, wait_until_still, look again. Places are pixels of your newest screenshot.',
  }
}

function resultOf({ text, picture, failed }: Told): object {
  const image =
    picture === null
      ? []
      : [
          {
            type: 'image',
            data: Buffer.from(picture.jpeg.buffer, picture.jpeg.byteOffset, picture.jpeg.byteLength).toString('base64'),
            mimeType: 'image/jpeg',
          },
        ]
  return { content: [...image, { type: 'text', text }], ...(failed && { isError: true }) }
}
