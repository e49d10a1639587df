import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { McpServer } from '@agentclientprotocol/sdk'
import type { DesktopAction } from '@helix/contract/desktop-action'
import type { Config } from '../config.ts'
import type { Recorder } from '../journal/recorder.ts'
import { type Log, reasonOf } from '../log.ts'
import type { AgentUser } from '../user.ts'
import type { Desktop } from './desktop.ts'
import type { AgentHands, Told } from './hands.ts'
import { HandsSocket } from './socket.ts'

/** Units: milliseconds. What the agent reports of its call comes another way, and may come later than the call itself. */
const reportAfterMs = [0, 50, 150, 400, 1000]

export interface AgentToolsInput {
  config: Pick<Config, 'runDir' | 'desktopPrograms'>
  user: AgentUser
  desktop: {
    /** Why there is none; null: there may be one. */
    readonly refusal: string | null
    use(): Promise<Desktop>
  }
  recorder: Recorder
  log: Log
}

/** The MCP server `desktop` of a session: what its agent is told to start, and who answers there. Without a desktop there is none. */
export class AgentTools {
  private readonly input: AgentToolsInput
  private readonly path: string
  private socket: HandsSocket | null = null
  private hands: Promise<AgentHands> | null = null

  constructor(input: AgentToolsInput) {
    this.input = input
    this.path = join(input.config.runDir, 'desktop-tools.sock')
  }

  /** For the agent: a program between its end and the socket, which costs less than a megabyte. */
  get servers(): McpServer[] {
    const { desktop, config } = this.input
    if (desktop.refusal !== null) return []
    return [{ name: 'desktop', command: join(config.desktopPrograms, 'helix-pipe'), args: [this.path], env: [] }]
  }

  /** That it cannot be opened costs the agent its tools, not the session its start. */
  async open(): Promise<void> {
    const { desktop, user, log } = this.input
    if (desktop.refusal !== null) return
    try {
      this.socket = await HandsSocket.open({ path: this.path, user, log, call: (...call) => this.call(...call) })
    } catch (error) {
      log.warn('the agent has no tools of the desktop', { reason: reasonOf(error) })
    }
  }

  async close(): Promise<void> {
    await this.socket?.[Symbol.asyncDispose]()
  }

  private async call(...call: Parameters<AgentHands['call']>): Promise<Told> {
    try {
      return await (await this.loaded()).call(...call)
    } catch (error) {
      return { text: reasonOf(error), picture: null, failed: true }
    }
  }

  /** At the first call: many agents never look at the screen. */
  private loaded(): Promise<AgentHands> {
    this.hands ??= this.load().catch((error) => {
      this.hands = null
      throw error
    })
    return this.hands
  }

  private async load(): Promise<AgentHands> {
    const [{ AgentHands: Hands }, desktop] = await Promise.all([import('./hands.ts'), this.input.desktop.use()])
    return new Hands({ desktop, log: this.input.log, did: (action, told, callId) => void this.report(action, told, callId) })
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
