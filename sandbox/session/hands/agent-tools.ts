import { setTimeout as sleep } from 'node:timers/promises'
import type { McpServer } from '@agentclientprotocol/sdk'
import type { DesktopAction } from '@helix/contract/desktop-action'
import type { Recorder } from '../journal/recorder.ts'
import { type Log, reasonOf } from '../log.ts'
import type { AgentUser } from '../user.ts'
import type { Desktop } from './desktop.ts'
import type { AgentHands, Told } from './hands.ts'
import { HandsSocket } from './socket.ts'

/** Units: milliseconds. What the agent reports of its call comes another way, and may come later than the call itself. */
const reportAfterMs = [0, 50, 150, 400, 1000]

export interface AgentToolsInput {
  desktop: Desktop
  user: AgentUser
  /** Of the socket. */
  path: string
  /** The program between an agent's standard streams and the socket. */
  program: string
  recorder: Recorder
  log: Log
}

/** The MCP server `desktop` of a session: what its agent is told to start, and who answers there. */
export class AgentTools implements AsyncDisposable {
  readonly servers: readonly McpServer[]
  private readonly input: AgentToolsInput
  private readonly socket: HandsSocket
  private hands: Promise<AgentHands> | null = null

  private constructor(input: AgentToolsInput, socket: HandsSocket) {
    this.input = input
    this.socket = socket
    this.servers = [serverOf(input)]
  }

  static async open(input: AgentToolsInput): Promise<AgentTools> {
    const opened: { tools?: AgentTools } = {}
    const socket = await HandsSocket.open({
      path: input.path,
      user: input.user,
      log: input.log,
      call: async (...call) => {
        if (opened.tools === undefined) throw new Error('the desktop tools are not open yet')
        return (await opened.tools.loaded()).call(...call)
      },
    })
    opened.tools = new AgentTools(input, socket)
    return opened.tools
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket[Symbol.asyncDispose]()
  }

  /** At the first call: many agents never look at the screen. */
  private loaded(): Promise<AgentHands> {
    const { desktop, log } = this.input
    this.hands ??= import('./hands.ts').then(
      ({ AgentHands: Hands }) => new Hands({ desktop, log, did: (action, told, callId) => void this.report(action, told, callId) }),
    )
    return this.hands
  }

  private async report(action: DesktopAction, told: Told, callId: string | null): Promise<void> {
    const { recorder, log } = this.input
    try {
      for (const ms of reportAfterMs) {
        if (ms > 0) await sleep(ms, undefined, { ref: false })
        if (recorder.markDesktop(action, callId)) return
      }
      // An agent that reports no calls of its own: the conversation tells what was done all the same.
      recorder.desktopCall(action, told.text)
    } catch (error) {
      log.warn('what the agent did to the desktop is not in the conversation', { reason: reasonOf(error) })
    }
  }
}

/** How an agent reaches the tools of the desktop. */
export const serverOf = ({ program, path }: Pick<AgentToolsInput, 'program' | 'path'>): McpServer => ({
  name: 'desktop',
  command: program,
  args: [path],
  env: [],
})
