import type { ReadableStream, WritableStream } from 'node:stream/web'
import {
  client,
  type McpServer,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
  type RequestPermissionRequest,
  type SessionUpdate,
  type Stream,
} from '@agentclientprotocol/sdk'
import type { FormValues } from '@helix/contract/forms'
import { type Form, formOf } from './elicitation.ts'
import type { Question } from './permissions.ts'

export interface AcpEvents {
  update(update: SessionUpdate): void
  /** Answers with one of the options; null: cancelled. */
  ask(question: Question): Promise<string | null>
  /** Answers with what a person filled in; null: declined, `over`: nobody can answer any more. */
  elicit(form: Form): Promise<FormValues | null | 'over'>
}

/** The one client of one agent. */
export interface AcpLink {
  /** Shakes hands; answers whether the agent can load a session, and the names of servers that it is not given since it takes none by address. */
  initialize(): Promise<{ loads: boolean; leftOut: string[] }>
  newSession(cwd: string): Promise<string>
  /** What the agent replays of the conversation meanwhile is left out: the journal has it. */
  loadSession(id: string, cwd: string): Promise<void>
  /** Resolves with ACP's stop reason. */
  prompt(sessionId: string, text: string): Promise<string>
  cancel(sessionId: string): Promise<void>
  close(): void
}

const optionKinds = ['allow_once', 'allow_always', 'reject_once', 'reject_always'] as const

/** Units: bytes of one message; a tool result with a whole file in it fits. */
const longestMessage = 32 * 1024 * 1024

function questionOf({ toolCall, options }: RequestPermissionRequest): Question {
  const title = (toolCall.title ?? 'a tool call').slice(0, 2000)
  const known = options.flatMap(({ optionId, name, kind }) =>
    // A later protocol may have other kinds: what is not known to allow, rejects.
    [{ id: optionId.slice(0, 200), name: name.slice(0, 200), kind: optionKinds.find((one) => one === kind) ?? ('reject_once' as const) }],
  )
  return { title, tool: toolCall.kind ?? 'other', options: known }
}

/** `mcpServers`: what the agent is given beside its own tools, in a new session and in one that goes on. */
export function connectAcp(
  stdin: WritableStream,
  stdout: ReadableStream,
  events: AcpEvents,
  mcpServers: readonly McpServer[] = [],
): AcpLink {
  let replaying = false
  let servers: McpServer[] = []
  const app = client({ name: 'helix' })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      const optionId = await events.ask(questionOf(params))
      if (optionId === null) return { outcome: { outcome: 'cancelled' as const } }
      return { outcome: { outcome: 'selected' as const, optionId } }
    })
    .onRequest(methods.client.elicitation.create, async ({ params }) => {
      const form = formOf(params)
      const values = form === null ? null : await events.elicit(form)
      if (values === 'over') return { action: 'cancel' as const }
      return values === null ? { action: 'decline' as const } : { action: 'accept' as const, content: values }
    })
    .onNotification(methods.client.session.update, ({ params }) => {
      if (!replaying) events.update(params.update)
    })
    .onNotification('*', () => undefined)
    .onRequest('*', ({ method }) => {
      throw RequestError.methodNotFound(method)
    })
  const connection = app.connect(ndJsonStream(stdin, stdout as Stream['readable'] & ReadableStream, { maxMessageBytes: longestMessage }))
  const { agent } = connection
  return {
    async initialize() {
      // No file system and no terminal are announced: the agent runs beside the files.
      const answer = await agent.request(methods.agent.initialize, {
        protocolVersion: PROTOCOL_VERSION,
        clientInfo: { name: 'helix', version: '1' },
        clientCapabilities: { elicitation: { form: {} } },
      })
      const { loadSession, mcpCapabilities } = answer.agentCapabilities ?? {}
      servers = mcpServers.filter((server) => !('type' in server) || mcpCapabilities?.http === true)
      return { loads: loadSession === true, leftOut: mcpServers.filter((server) => !servers.includes(server)).map(({ name }) => name) }
    },
    async newSession(cwd) {
      const { sessionId } = await agent.request(methods.agent.session.new, { cwd, mcpServers: servers })
      return sessionId
    },
    async loadSession(sessionId, cwd) {
      replaying = true
      try {
        await agent.request(methods.agent.session.load, { sessionId, cwd, mcpServers: servers })
      } finally {
        replaying = false
      }
    },
    async prompt(sessionId, text) {
      const { stopReason } = await agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: 'text', text }] })
      return stopReason
    },
    cancel: (sessionId) => agent.notify(methods.agent.session.cancel, { sessionId }),
    close: () => connection.close(),
  }
}
