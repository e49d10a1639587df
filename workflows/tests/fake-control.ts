import type { PromptId, SessionId, TaskId } from '@helix/contract/ids'
import type { PromptKind } from '@helix/contract/internal'
import type { TaskStatus } from '@helix/contract/task-status'
import type { ControlActivities } from '../src/activities.ts'

type Input<Name extends keyof ControlActivities> = Parameters<ControlActivities[Name]>[0]
type Output<Name extends keyof ControlActivities> = Awaited<ReturnType<ControlActivities[Name]>>

export interface FakeTask {
  taskId: TaskId
  status: TaskStatus
  failedFrom: TaskStatus | null
  step: number
  justDoIt: boolean
  sessionId: SessionId | null
  mergedCommit: string | null
  archivedFrom: { status: TaskStatus; failedFrom: TaskStatus | null } | null
  workDeadlineMs: number
  waitsForPerson: boolean
  activity: string
  failure: { code: string; message: string } | null
  /** Every status it had, the first included. */
  story: TaskStatus[]
  keys: Map<number, string>
  queuedAt: number
  holds: 'planning' | 'implementing' | null
}

/** What the project says of a session's times; nothing: as before it could say anything. */
export type FakeTimes = Pick<Output<'locateSession'>, 'idleMs' | 'idleLeftMs' | 'endsAt'>

export interface FakePrompt {
  promptId: PromptId
  taskId: TaskId
  kind: PromptKind
  note: string | null
  turn: string
}

let count = 0
const nextId = (prefix: string): string => `${prefix}_${String(++count).padStart(26, '0')}`

/** The control plane's internal API by hand: rows in memory, the same promises (compare-and-set steps, keys that find what was made). */
export class FakeControl implements ControlActivities {
  readonly tasks = new Map<TaskId, FakeTask>()
  readonly prompts = new Map<string, FakePrompt>()
  readonly sessions = new Map<
    SessionId,
    { epoch: number; queue: string | null; waitForHost: boolean; states: string[]; reasons: (string | null)[]; times: FakeTimes }
  >()
  readonly merges: string[] = []
  readonly reminders: Input<'remindReviewers'>[] = []
  readonly approvers = new Set<string>()
  approvalsNeeded = 1
  refuseApproval: string | null = null
  remindInMs: (count: number) => number | null = () => null
  limit = 3
  specCommit = 'a'.repeat(40)
  branchCommit = 'b'.repeat(40)
  assess: (input: Input<'assessTask'>) => Output<'assessTask'> = () => ({ complete: true, missing: null, commit: null })
  merge: () => Output<'mergeTask'> = () => ({ outcome: 'merged', commit: 'c'.repeat(40) })
  /** Throw from here to break a call. */
  before: (name: keyof ControlActivities) => void = () => {}
  slotFreed: (taskId: TaskId) => Promise<void> = async () => {}
  /** Whether a turn ended for want of budget. */
  refused: (promptId: PromptId) => NonNullable<Output<'recordTurn'>['budget']> | null = () => null

  addTask(set: Partial<FakeTask> = {}): FakeTask {
    const task: FakeTask = {
      taskId: nextId('tsk') as TaskId,
      status: 'backlog',
      failedFrom: null,
      step: 0,
      justDoIt: false,
      sessionId: null,
      mergedCommit: null,
      archivedFrom: null,
      workDeadlineMs: 600_000,
      waitsForPerson: false,
      activity: '',
      failure: null,
      story: [set.status ?? 'backlog'],
      keys: new Map(),
      queuedAt: 0,
      holds: null,
      ...set,
    }
    this.tasks.set(task.taskId, task)
    return task
  }

  /** A prompt that somebody else stored, as a person's message is. */
  addPrompt(taskId: TaskId, promptId: PromptId): void {
    this.prompts.set(promptId, { promptId, taskId, kind: 'person', note: null, turn: 'queued' })
  }

  addSession(): SessionId {
    const id = nextId('ses') as SessionId
    this.sessions.set(id, { epoch: 0, queue: null, waitForHost: false, states: [], reasons: [], times: {} })
    return id
  }

  promptsOf(taskId: TaskId): FakePrompt[] {
    return [...this.prompts.values()].filter((prompt) => prompt.taskId === taskId)
  }

  prompt(promptId: string): FakePrompt {
    const found = [...this.prompts.values()].find((prompt) => prompt.promptId === promptId)
    if (found === undefined) throw new Error(`no prompt ${promptId}`)
    return found
  }

  private task(taskId: TaskId): FakeTask {
    const task = this.tasks.get(taskId)
    if (task === undefined) throw new Error(`no task ${taskId}`)
    return task
  }

  private session(sessionId: SessionId) {
    const session = this.sessions.get(sessionId)
    if (session === undefined) throw new Error(`no session ${sessionId}`)
    return session
  }

  async loadTask({ taskId }: Input<'loadTask'>): Promise<Output<'loadTask'>> {
    this.before('loadTask')
    const { status, failedFrom, step, justDoIt, sessionId, mergedCommit, archivedFrom, workDeadlineMs, waitsForPerson } = this.task(taskId)
    const place = { orgId: nextId('org'), projectId: nextId('prj') } as Pick<Output<'loadTask'>, 'orgId' | 'projectId'>
    return { taskId, ...place, status, failedFrom, step, justDoIt, sessionId, mergedCommit, archivedFrom, workDeadlineMs, waitsForPerson }
  }

  async recordStep(input: Input<'recordStep'>): Promise<Output<'recordStep'>> {
    this.before('recordStep')
    const task = this.task(input.taskId)
    if (task.keys.get(input.step) === input.key) return { outcome: 'written', reason: null }
    if (input.step !== task.step + 1) return { outcome: 'late', reason: 'the row is elsewhere' }
    if (input.expectSpecCommit !== null && input.expectSpecCommit !== this.specCommit)
      return { outcome: 'revision_outdated', reason: `The newest revision is ${this.specCommit}` }
    if (input.expectBranchCommit !== null && input.expectBranchCommit !== this.branchCommit)
      return { outcome: 'branch_moved', reason: `The branch is at ${this.branchCommit}` }
    if (input.cause === 'approve_spec' && input.actorId !== null) {
      this.approvers.add(input.actorId)
      if (this.refuseApproval !== null) return { outcome: 'refused', reason: this.refuseApproval }
      if (this.approvers.size < this.approvalsNeeded)
        return { outcome: 'counted', reason: `${this.approvers.size} of ${this.approvalsNeeded} approvals` }
    }
    task.keys.set(input.step, input.key)
    task.archivedFrom = input.to === 'archived' ? { status: task.status, failedFrom: task.failedFrom } : null
    task.step = input.step
    task.status = input.to
    task.failedFrom = input.failedFrom
    task.failure = input.failure
    task.activity = input.activity
    task.mergedCommit ??= input.mergedCommit
    if (input.to.startsWith('queued')) task.queuedAt = ++count
    task.story.push(input.to)
    return { outcome: 'written', reason: null }
  }

  async setActivity({ taskId, step, activity }: Input<'setActivity'>): Promise<Record<string, never>> {
    const task = this.task(taskId)
    if (task.step === step) task.activity = activity
    return {}
  }

  async claimSlot({ taskId, phase, force }: Input<'claimSlot'>): Promise<Output<'claimSlot'>> {
    this.before('claimSlot')
    const task = this.task(taskId)
    const holders = [...this.tasks.values()].filter((other) => other.holds === phase && other !== task)
    const ahead = [...this.tasks.values()].filter(
      (other) => other.status === task.status && other.holds === null && other.queuedAt < task.queuedAt,
    )
    if (!force && holders.length + ahead.length >= this.limit) return { claimed: false, reason: `Waits behind ${holders.length}` }
    task.holds = phase
    return { claimed: true, reason: null }
  }

  async releaseSlot({ taskId }: Input<'releaseSlot'>): Promise<Record<string, never>> {
    const task = this.task(taskId)
    task.holds = null
    for (const other of this.tasks.values()) if (other.status.startsWith('queued')) await this.slotFreed(other.taskId)
    return {}
  }

  async remindReviewers({ taskId, step, count }: Input<'remindReviewers'>): Promise<Output<'remindReviewers'>> {
    this.before('remindReviewers')
    this.reminders.push({ taskId, step, count })
    return { nextInMs: this.remindInMs(count) }
  }

  async openSession({ taskId }: Input<'openSession'>): Promise<Output<'openSession'>> {
    this.before('openSession')
    const task = this.task(taskId)
    const fresh = task.sessionId === null
    task.sessionId ??= this.addSession()
    return { sessionId: task.sessionId, ready: fresh || this.session(task.sessionId).states.at(-1) === 'stopped' }
  }

  async preparePrompt({ taskId, key, kind, note }: Input<'preparePrompt'>): Promise<Output<'preparePrompt'>> {
    this.before('preparePrompt')
    const found = this.prompts.get(key)
    if (found !== undefined) return { promptId: found.promptId }
    const promptId = nextId('prm') as PromptId
    this.prompts.set(key, { promptId, taskId, kind, note, turn: 'queued' })
    return { promptId }
  }

  async assessTask(input: Input<'assessTask'>): Promise<Output<'assessTask'>> {
    return this.assess(input)
  }

  async mergeTask({ key }: Input<'mergeTask'>): Promise<Output<'mergeTask'>> {
    this.before('mergeTask')
    this.merges.push(key)
    return this.merge()
  }

  async locateSession({ sessionId }: Input<'locateSession'>): Promise<Output<'locateSession'>> {
    const { epoch, queue, waitForHost, times } = this.session(sessionId)
    return { epoch, queue, waitForHost, hostsOnline: 1, reason: null, ...times }
  }

  /** Without a host of its own a session gets this one; null: none has room. */
  giveHost: () => string | null = () => null

  async placeSession({ sessionId }: Input<'placeSession'>): Promise<Output<'placeSession'>> {
    this.before('placeSession')
    const session = this.session(sessionId)
    const times = { idleMs: session.times.idleMs ?? 600_000, endsAt: session.times.endsAt ?? null }
    const given = session.queue === null && !session.waitForHost ? this.giveHost() : null
    if (given !== null) Object.assign(session, { queue: given, epoch: session.epoch + 1 })
    if (session.queue === null)
      return { placed: false, position: 1, reason: 'Position 1 of 1: 1 of 1 places are taken', epoch: session.epoch, ...times }
    return { placed: true, hostId: 'hst' as never, queue: session.queue, epoch: session.epoch, ...times }
  }

  async recordSession({ sessionId, state, reason }: Input<'recordSession'>): Promise<Record<string, never>> {
    this.session(sessionId).reasons.push(reason)
    this.session(sessionId).states.push(state)
    return {}
  }

  async recordTurn({ promptId, state, outcome }: Input<'recordTurn'>): Promise<Output<'recordTurn'>> {
    const prompt = this.prompt(promptId)
    if (prompt.turn === 'withdrawn') return { withdrawn: true }
    prompt.turn = outcome ?? state
    const budget = state === 'running' ? null : this.refused(promptId)
    return { withdrawn: false, ...(budget === null ? {} : { budget }) }
  }
}
