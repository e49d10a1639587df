import { setTimeout as sleep } from 'node:timers/promises'
import type { TurnResult } from '@helix/contract/link'
import { AgentDied, type AgentKeeper } from '../agent/keeper.ts'
import { outcomeOfError, outcomeOfStop } from '../agent/outcome.ts'
import type { Journal } from '../journal/journal.ts'
import type { Recorder } from '../journal/recorder.ts'
import { type Log, reasonOf } from '../log.ts'
import { killAll } from '../process-table.ts'
import type { Prompt } from './turns.ts'
import { continuationOf, firstTextOf, repetitionOf } from './wording.ts'

/** How long each further try waits; after the last one the turn ends with an error. */
const waitsMs = {
  died: [250, 1000, 3000],
  // A control plane that is started again is back in seconds; an agent's own tries take some seconds more each.
  provider: [500, 1000, 2000, 5000, 10_000, 20_000, 30_000],
}
/** After a cancel: how long the agent may take to end the turn, and its shells to end themselves. */
const cancelGraceMs = 10_000
const shellGraceMs = 5000
const observeEveryMs = 2000

type Ending = Pick<TurnResult, 'outcome' | 'message' | 'retryable'>

/** Something the turn can get over. */
interface Setback {
  setback: keyof typeof waitsMs
  reason: string
}

const sentences = { died: 'The agent’s process is gone', provider: 'The agent could not reach its model' }
const endedEarly: Ending = { outcome: 'cancelled', message: null, retryable: false }

export interface TurnRunnerInput {
  journal: Journal
  recorder: Recorder
  agent: AgentKeeper
  log: Log
  /** What belongs to the end of each turn and is done before it is told: commits are pushed. Answers with notices. */
  afterTurn(cancelled: boolean, promptId: string): Promise<string[]>
  /** The turn is cancelled: whatever waits in it ends. */
  cancelling(): void
  /** Each 2 s while the turn runs and the agent lives or is being started again. */
  beat(promptId: string): void
}

/** Runs one turn to its end, whatever dies meanwhile. */
export class TurnRunner {
  private readonly input: TurnRunnerInput
  private cancelled = false
  private abandoned = false
  private conversing = false
  private ender = new AbortController()
  private cancelTimer: NodeJS.Timeout | undefined

  constructor(input: TurnRunnerInput) {
    this.input = input
  }

  /** Null when the turn was abandoned: it has no end yet. Throws only what the journal throws. */
  async run(prompt: Prompt): Promise<TurnResult | null> {
    this.cancelled = false
    this.ender = new AbortController()
    const beats = setInterval(() => this.observe(prompt.promptId), observeEveryMs)
    try {
      this.conversing = true
      const ending = await this.converse(prompt)
      this.conversing = false
      if (this.abandoned) return null
      this.input.recorder.endTurn()
      if (this.cancelled) void this.endShells()
      for (const text of await this.input.afterTurn(this.cancelled, prompt.promptId)) this.input.journal.notice(text)
      return this.abandoned ? null : { promptId: prompt.promptId, ...ending }
    } finally {
      clearInterval(beats)
      clearTimeout(this.cancelTimer)
      this.input.recorder.endTurn()
    }
  }

  /** Asks the agent to end the turn; one that does not is ended itself. */
  cancel(): void {
    if (this.cancelled || !this.conversing) return
    this.cancelled = true
    this.ender.abort()
    this.input.cancelling()
    this.cancelTimer = setTimeout(() => {
      this.input.log.warn('the agent does not end a cancelled turn and is ended')
      void this.input.agent.stop(0)
    }, cancelGraceMs)
    void this.input.agent.cancel().catch((error) => this.input.log.warn('cancel failed', { reason: reasonOf(error) }))
  }

  /** The supervisor ends: the prompt stays unfinished in the journal, and the next start goes on with it. */
  abandon(): void {
    this.abandoned = true
    this.ender.abort()
  }

  private async converse(prompt: Prompt): Promise<Ending> {
    const tries = { died: 0, provider: 0 }
    let begun = this.begunBefore(prompt)
    for (;;) {
      const tried = await this.attempt(() => (begun ? this.again(prompt) : firstTextOf(prompt)))
      if (this.over) return endedEarly
      if (!('setback' in tried)) return tried
      const { setback, reason } = tried
      const waitMs = waitsMs[setback][tries[setback]]
      tries[setback] += 1
      // It was tried long enough here, by the one owner of these retries: to be told once more would help nobody.
      if (waitMs === undefined)
        return { outcome: 'error', message: `${sentences[setback]}, ${tries[setback]} times: ${reason}`, retryable: false }
      this.input.recorder.notice(`${sentences[setback]} (${reason}). It goes on from here.`)
      this.input.log.warn(sentences[setback], { reason })
      if (setback === 'died') await this.input.agent.stop(0)
      await this.pause(waitMs)
      // An agent that could not ask has not done anything yet; it may have dropped the prompt too.
      if (setback === 'died' || this.input.recorder.worked) begun = true
    }
  }

  /** One prompt to the agent, which is started when it does not run; what it is told depends on what it then knows. */
  private async attempt(text: () => string): Promise<Ending | Setback> {
    const { agent, recorder } = this.input
    try {
      if (agent.pid === null) await agent.open(await agent.launch())
      if (this.over) return endedEarly
      const ending = outcomeOfStop(await agent.prompt(text()))
      const failure = ending.outcome === 'end_turn' ? agent.failureIn(recorder.lastWords) : null
      if (failure === null) return ending
      if (failure.passing) return { setback: 'provider', reason: failure.reason }
      return { outcome: 'error', message: failure.reason, retryable: true }
    } catch (error) {
      if (error instanceof AgentDied) return { setback: 'died', reason: error.message }
      return outcomeOfError(error)
    }
  }

  /** Waits, or goes on at once when the turn is to end. */
  private pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.ender.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  private get over(): boolean {
    return this.cancelled || this.abandoned
  }

  /** Journals a new prompt before the agent gets it; true for one that an earlier life of the session began. */
  private begunBefore({ promptId, origin, author, text }: Prompt): boolean {
    const { journal, recorder } = this.input
    if (journal.find(promptId) === undefined) {
      journal.appendSynced({ kind: 'prompt', promptId, origin, author, text })
      return false
    }
    recorder.notice('The session was started again in the middle of this prompt and goes on with it.')
    return true
  }

  private again({ promptId, text }: Prompt): string {
    const { agent, journal } = this.input
    const knows = agent.conversation === 'loaded' && journal.find(promptId)?.answered === true
    return knows ? continuationOf(text) : repetitionOf(text)
  }

  private observe(promptId: string): void {
    this.input.beat(promptId)
    void this.input.agent.observe()
  }

  private async endShells(): Promise<void> {
    const left = await this.input.agent.shells()
    if (left.length === 0) return
    await sleep(shellGraceMs)
    const killed = await killAll(left)
    if (killed > 0) this.input.log.info('ended what a cancelled turn left running', { processes: killed })
  }
}
