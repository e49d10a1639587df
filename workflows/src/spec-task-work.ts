import type { PromptId, SessionId } from '@helix/contract/ids'
import type { PromptKind } from '@helix/contract/internal'
import { patched, sleep } from '@temporalio/workflow'
import { control } from './control.ts'
import type { PersonPrompt, TaskRequest, TurnEnded } from './messages.ts'
import { specTaskWorkflowId } from './messages.ts'
import { promptSession } from './session-port.ts'
import { SpecTaskRow } from './spec-task-row.ts'
import { isWorking } from './spec-task-transitions.ts'

/** A session ends within seconds; where nobody is left who could end it, the work goes on after so many looks. Units: milliseconds. */
const endingLooks = 60
const endingLookMs = 1000
/** How often an agent that ended its turn without the result is told so before the task fails. */
const nudgesAllowed = 2
const agentErrorsAllowed = 3
const heldWords = {
  stopped: 'Stopped by a person',
  interrupted: 'Interrupted by a person',
  steered: 'Interrupted by a person',
  withdrawn: 'Its message was taken back',
}
const budgetNote = 'The budget had run out and your turn ended because of it. There is budget again.'
/** Ends of waits for budget that came before the turn's end. */
const raisedRemembered = 20
const interruptedNote =
  'A person interrupted your turn with a message. Follow what it says; where it asks for nothing else, finish the work.'

/** The agent's work on a task: what it is asked, what the end of a turn means, and what people say meanwhile. */
export abstract class AgentWork extends SpecTaskRow {
  protected async beginWork(request?: TaskRequest): Promise<void> {
    const { taskId } = this
    const phase = this.phase()
    if (request !== undefined) await control.claimSlot({ taskId, phase, force: true })
    const key = `${specTaskWorkflowId(taskId)}/${this.step}`
    await this.openSession(key)
    const asked = this.ask ?? this.firstAsk(request)
    this.ask = null
    this.nudges = 0
    this.errors = 0
    await this.prompt(asked.kind, asked.note, key)
  }

  /** A session that was stopped with the task is opened again once it has ended: what it were told before would end with it. */
  private async openSession(key: string): Promise<void> {
    const { taskId } = this
    if (this.sessionId !== null && !(this.sessionEnded && patched('an-ended-session-opens-again'))) return
    for (let look = 0; look < endingLooks; look++) {
      const { sessionId, ready } = await control.openSession({ taskId, key })
      this.sessionId = sessionId
      // Older answers do not say.
      if (ready !== false || !this.sessionEnded) break
      await this.say('Waits until its last session has ended')
      await sleep(endingLookMs)
    }
    this.sessionEnded = false
  }

  private firstAsk(request?: TaskRequest): { kind: PromptKind; note: string | null } {
    if (request?.action === 'request_spec_changes') return { kind: 'revise_spec', note: request.note ?? null }
    if (request?.action === 'request_implementation_changes') return { kind: 'revise_implementation', note: request.note ?? null }
    return { kind: this.status === 'planning' ? 'plan' : 'implement', note: null }
  }

  private phase(): 'planning' | 'implementing' {
    return this.status === 'planning' ? 'planning' : 'implementing'
  }

  private async prompt(kind: PromptKind, note: string | null, key: string): Promise<void> {
    const { promptId } = await control.preparePrompt({
      taskId: this.taskId,
      key: `${key}/${kind}/${this.nudges}/${this.errors}`,
      kind,
      note,
    })
    this.currentPromptId = promptId
    this.restartDeadline()
    if (this.sessionId !== null) await promptSession(this.sessionId, promptId)
  }

  protected restartDeadline(): void {
    this.deadlineAt = Date.now() + this.snapshot.workDeadlineMs
  }

  protected async turnEnded(turn: TurnEnded): Promise<void> {
    if (turn.promptId !== this.currentPromptId || !isWorking(this.status)) return
    if (turn.endedBy === 'budget') return this.outOfBudget(turn)
    if (turn.endedBy !== undefined) return this.turnEndedBy(turn.endedBy, turn.goesOnWith)
    if (turn.outcome === 'error' || turn.outcome === 'cancelled') return this.turnFailed(turn)
    this.errors = 0
    const phase = this.phase()
    const { complete, missing } = await control.assessTask({ taskId: this.taskId, phase, sincePromptId: turn.promptId })
    if (complete) {
      this.currentPromptId = null
      const verdict = await this.move(phase === 'planning' ? 'specReady' : 'implementationReady', {})
      if (verdict.accepted) await this.enter()
      return
    }
    const what = missing ?? 'The result is missing.'
    if (this.nudges >= nudgesAllowed)
      return this.fail(phase === 'planning' ? 'no_spec' : 'no_changes', `${what} The agent was told ${nudgesAllowed} times.`)
    this.nudges += 1
    await this.prompt('nudge', what, this.nudgeKey())
  }

  private async turnFailed(turn: TurnEnded): Promise<void> {
    const why = turn.message ?? `The agent ended its turn with "${turn.outcome}".`
    this.errors += 1
    const hopeless = turn.outcome === 'error' && !turn.retryable
    if (hopeless || this.errors >= agentErrorsAllowed) return this.fail('agent_failed', why)
    await this.say(`The agent failed (${why.slice(0, 200)}); trying again`)
    await this.prompt('nudge', `The last turn ended with an error: ${why}`.slice(0, 2000), this.nudgeKey())
  }

  /** An agent that waits for an answer is not stuck, however long people take. */
  protected async waitsForPerson(): Promise<boolean> {
    return (await control.loadTask({ taskId: this.taskId })).waitsForPerson
  }

  /** What a person says to an agent they stopped becomes the work that is waited for. */
  protected async personSpoke(sessionId: SessionId, { promptId, mode }: PersonPrompt): Promise<void> {
    if (this.held && isWorking(this.status)) {
      this.held = false
      this.currentPromptId = promptId
      this.restartDeadline()
    }
    await promptSession(sessionId, promptId, mode)
  }

  /**
   * A person ended the turn. What steers, or waited already when they stopped it, is the work from now on; otherwise the work waits for the next
   * message.
   */
  private async turnEndedBy(how: keyof typeof heldWords, goesOnWith: PromptId | undefined): Promise<void> {
    if (goesOnWith !== undefined) {
      this.currentPromptId = goesOnWith
      return this.restartDeadline()
    }
    // Histories from before went on by themselves.
    if (how === 'interrupted' && !patched('an-interruption-waits')) return this.prompt('nudge', interruptedNote, this.nudgeKey())
    this.held = true
    this.deadlineAt = null
    await this.say(`${heldWords[how]}: send a message to go on`)
  }

  /** The turn's result is not there, and that is nobody's fault: it waits until the budget has room, and then goes on where it was. */
  private async outOfBudget({ stopId = '', message }: TurnEnded): Promise<void> {
    if (this.budget.raised.includes(stopId)) return this.goOnWithBudget(stopId)
    this.budget.needed = stopId
    this.held = true
    this.deadlineAt = null
    await this.say(`Needs budget: ${message ?? 'a budget is exhausted'}`)
  }

  /** What holds the task by another name, or a person's message meanwhile, is not its concern. */
  protected async budgetRaised(stopId: string): Promise<void> {
    if (this.held && this.budget.needed === stopId && isWorking(this.status)) return this.goOnWithBudget(stopId)
    this.budget.raised = [...this.budget.raised, stopId].slice(-raisedRemembered)
  }

  private async goOnWithBudget(stopId: string): Promise<void> {
    this.held = false
    this.budget.needed = null
    await this.say('There is budget again: going on')
    await this.prompt('nudge', budgetNote, `${this.nudgeKey()}/${stopId}`)
  }

  private nudgeKey(): string {
    return `${specTaskWorkflowId(this.taskId)}/${this.step}/${this.currentPromptId}`
  }
}
