import type { McpServer } from '@agentclientprotocol/sdk'
import type { AgentRuntime } from '@helix/contract/agents'
import { type Log, reasonOf } from '../log.ts'
import type { ProcessRow } from '../process-table.ts'
import type { Redactor } from '../redactor.ts'
import type { State } from '../state.ts'
import type { AgentUser } from '../user.ts'
import type { AcpEvents } from './acp.ts'
import { AgentProcess } from './process.ts'
import type { Launch, ProviderFailure } from './recipe.ts'

const stepDeadlineMs = { initialize: 30_000, newSession: 60_000, loadSession: 60_000 }

/** `begun`: the first of this session; `loaded`: the earlier one goes on; `lost`: there was one and the agent does not know it. */
export type Conversation = 'begun' | 'loaded' | 'lost'

export interface AgentKeeperInput {
  runtime: AgentRuntime
  user: AgentUser
  launch: Launch
  /** The failure in an agent's last words, see `Recipe`. */
  failureIn(lastWords: string): ProviderFailure | null
  redactor: Redactor
  cwd: string
  state: State
  events: AcpEvents
  /** Tools that the agent is given beside its own. */
  mcpServers: readonly McpServer[]
  log: Log
  /** The agent's process started or ended. */
  changed(): void
  /** The agent takes no servers by address, and these are such. */
  leftOut(names: string[]): void
  /** The agent could not load its earlier session and began anew. */
  lost(): void
}

/** Keeps one agent with one session of its own: starts it, loads the session again after a death, ends it. */
export class AgentKeeper {
  private readonly input: AgentKeeperInput
  private agent: AgentProcess | null = null
  private sessionId: string | null = null
  private idleProcesses: ProcessRow[] = []
  /** What the running agent knows of the time before it was started. */
  conversation: Conversation = 'begun'

  constructor(input: AgentKeeperInput) {
    this.input = input
  }

  get pid(): number | null {
    return this.agent?.pid ?? null
  }

  /** Starts the process and shakes hands; the working copies need not be there yet. */
  async launch(): Promise<{ loads: boolean }> {
    const { user, launch, redactor, events, mcpServers, log, changed } = this.input
    await this.stop(0)
    const agent = await AgentProcess.start({ user, launch, cwd: user.home, redactor, events, mcpServers })
    this.agent = agent
    void agent.ended.then((reason) => {
      log.info('agent ended', { reason })
      changed()
    })
    changed()
    const { loads, leftOut } = await this.step('initialize', agent.acp.initialize())
    if (leftOut.length > 0) this.input.leftOut(leftOut)
    return { loads }
  }

  /**
   * Opens the conversation: the one of before if there is one and the agent can load it, else a new one. A load that fails or hangs costs the
   * conversation, not the session: `lost`.
   */
  async open({ loads }: { loads: boolean }): Promise<void> {
    const { state, runtime, cwd, log } = this.input
    const earlier = state.agentSession(runtime)
    if (earlier !== null && loads) {
      try {
        await this.step('loadSession', this.running.acp.loadSession(earlier, cwd))
        return this.opened(earlier, 'loaded')
      } catch (error) {
        log.warn('the agent cannot load its session', { reason: reasonOf(error) })
        // What hangs in a load takes no other request.
        await this.launch()
      }
    }
    const id = await this.step('newSession', this.running.acp.newSession(cwd))
    state.setAgentSession(runtime, id)
    await this.opened(id, earlier === null ? 'begun' : 'lost')
    if (earlier !== null) this.input.lost()
  }

  /** As `open`; an agent that died since its launch, while the working copies were made, is launched once more. */
  async openOrAgain(handshake: { loads: boolean }): Promise<void> {
    try {
      await this.open(handshake)
    } catch (error) {
      if (!(error instanceof AgentDied)) throw error
      this.input.log.warn('the agent died before its first prompt', { reason: error.message })
      await this.open(await this.launch())
    }
  }

  /** Resolves with the stop reason. Throws `AgentDied` when the process ended, and the agent's own error otherwise. */
  async prompt(text: string): Promise<string> {
    const agent = this.running
    if (this.sessionId === null) throw new AgentDied('the agent has no session')
    try {
      return await agent.acp.prompt(this.sessionId, text)
    } catch (error) {
      // The stream ends a moment before the process is reported dead.
      const reason = await Promise.race([agent.ended, new Promise<null>((resolve) => setTimeout(() => resolve(null), 1000))])
      if (reason === null) throw error
      throw new AgentDied(reason)
    }
  }

  failureIn(lastWords: string): ProviderFailure | null {
    return this.input.failureIn(lastWords)
  }

  async cancel(): Promise<void> {
    if (this.sessionId !== null && this.pid !== null) await this.running.acp.cancel(this.sessionId)
  }

  /** Remembers what runs below the agent, to find it after the agent's death. */
  async observe(): Promise<void> {
    await this.agent?.observe()
  }

  /** Shells, with what runs in them, that did not run when the conversation was opened. */
  async shells(): Promise<ProcessRow[]> {
    return this.pid === null ? [] : this.running.shellsSince(this.idleProcesses)
  }

  /** Not running is not an error. */
  async stop(graceMs: number): Promise<void> {
    const agent = this.agent
    this.agent = null
    this.sessionId = null
    await agent?.stop(graceMs)
  }

  private get running(): AgentProcess {
    if (this.agent === null) throw new AgentDied('the agent does not run')
    return this.agent
  }

  private async opened(id: string, conversation: Conversation): Promise<void> {
    this.sessionId = id
    this.conversation = conversation
    this.idleProcesses = await this.running.processes()
  }

  private async step<T>(name: keyof typeof stepDeadlineMs, work: Promise<T>): Promise<T> {
    const agent = this.running
    const deadlineMs = stepDeadlineMs[name]
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the agent did not answer ${name} in ${deadlineMs / 1000} s`)), deadlineMs)
    })
    const died = agent.ended.then((reason) => {
      throw new AgentDied(reason)
    })
    try {
      return await Promise.race([work, late, died])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The agent's process ended. */
export class AgentDied extends Error {
  override readonly name = 'AgentDied'
}
