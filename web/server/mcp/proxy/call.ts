import type { IncomingMessage, ServerResponse } from 'node:http'
import type { McpCall } from '@helix/contract/mcp-servers'
import { roleNeededFor } from '@helix/contract/permissions'
import type { KeptCall } from '../calls/store.ts'
import { allows } from '../policy.ts'
import type { OpenServer } from '../servers/store.ts'
import { codes, errorMessage, McpFault, type RpcId } from './fault.ts'
import type { Message, Messages } from './messages.ts'
import type { Verb } from './upstream.ts'

const keyOf = (id: RpcId): string => JSON.stringify(id)

/** One HTTP request of an agent to one server: what it asks, what is answered so far, and what is kept of it. */
export class Call {
  readonly server: OpenServer
  readonly method: Verb
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly begun = Date.now()
  private readonly start = performance.now()
  messages: Messages | null = null
  requestBytes = 0
  answerBytes = 0
  private readonly answered = new Map<string, McpCall['outcome']>()
  /** What all that has no answer came to. */
  private rest: McpCall['outcome'] = 'ok'

  constructor(server: OpenServer, method: Verb, request: IncomingMessage, response: ServerResponse) {
    this.server = server
    this.method = method
    this.request = request
    this.response = response
  }

  /** Requests that wait for an answer. */
  get waiting(): Message[] {
    return (this.messages?.all ?? []).filter(({ id }) => id !== undefined && !this.answered.has(keyOf(id)))
  }

  settle(id: RpcId, outcome: McpCall['outcome']): void {
    this.answered.set(keyOf(id), outcome)
  }

  endAs(outcome: McpCall['outcome']): void {
    this.rest = outcome
  }

  /** Throws when one of the tools is not allowed: then nothing of the request is passed on. */
  checkTools(): void {
    const refused = this.messages?.all.find(({ tool }) => tool !== null && !allows(this.server, tool))
    if (refused === undefined) return
    const who = roleNeededFor('project:write')
    throw new McpFault(
      'refused',
      403,
      codes.refused,
      `The tool ${refused.tool?.slice(0, 128)} of the MCP server ${this.server.name} is not allowed in this project. Whoever may change the project (${who}) can allow it in its settings, under MCP servers.`,
    )
  }

  /** What stays outside when the call ends with a fault. */
  errors({ code, message }: McpFault): object[] {
    return this.waiting.map(({ id }) => errorMessage(id ?? null, { code, message }))
  }

  /** A row for each message; without any one for the request. */
  rows(): KeptCall[] {
    const { server, begun, answerBytes } = this
    const status = this.response.statusCode
    const durationMs = performance.now() - this.start
    const all = this.messages?.all ?? []
    const shared = { server: server.name, status, begun, durationMs }
    if (all.length === 0)
      return [{ ...shared, method: this.method, tool: null, outcome: this.rest, requestBytes: this.requestBytes, answerBytes }]
    return all.map(({ id, method, tool }, index) => ({
      ...{
        ...shared,
        method: method ?? 'answer',
        tool,
        outcome: (id === undefined ? undefined : this.answered.get(keyOf(id))) ?? this.rest,
      },
      // The sum of the rows is what went over the wire.
      ...{ requestBytes: index === 0 ? this.requestBytes : 0, answerBytes: index === 0 ? answerBytes : 0 },
    }))
  }
}
