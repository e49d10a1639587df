import type { PromptId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { TaskAction, TaskStatus } from '@helix/contract/task-status'
import type { PromptMode } from '@helix/contract/task-work'
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'

/** Workflow ids are business ids: starting what already runs does nothing. */
export const specTaskWorkflowId = (taskId: TaskId): string => `spec-task/${taskId}`
export const agentSessionWorkflowId = (sessionId: SessionId): string => `session/${sessionId}`

/** The queue of `workers`: workflows and control-side activities. */
export const controlQueue = 'helix'
/** The queue every sandbox host with room polls. */
export const sandboxQueue = 'sandbox'
/** The queue of one boot of one host: after a restart nothing that was meant for the old boot is taken. */
export const hostQueue = (hostId: string, bootId: string): string => `sandbox-${hostId}-${bootId}`

export interface SpecTaskInput {
  taskId: TaskId
  /** Set by continue-as-new only. */
  carried?: SpecTaskCarried
}

/** What one run hands to the next. */
export interface SpecTaskCarried {
  status: TaskStatus
  failedFrom: TaskStatus | null
  step: number
  seen: string[]
  currentPromptId: PromptId | null
  nudges: number
  approvedCommit: string | null
  approvedById: UserId | null
  /** A person stopped the turn: the next message goes on. */
  held?: boolean
  /** Its session was stopped with the task: the next work opens it again. */
  sessionEnded?: boolean
  /** When the reviewers are reminded next, and how often they were. */
  reminder?: { at: number; count: number } | null
  budget?: BudgetCarried
}

/** Waits for budget, by name: the one that holds the task, and those that are over already. */
export interface BudgetCarried {
  needed: string | null
  raised: string[]
}

/** What a person asks; `id` makes a repetition harmless. */
export interface TaskRequest {
  id: string
  action: TaskAction
  actorId: UserId
  /** The commit an approval binds to. */
  commit?: string
  note?: string
}

export interface TaskVerdict {
  accepted: boolean
  status: TaskStatus
  /** `transition_refused`, `revision_outdated`, `branch_moved`; null when accepted. */
  code: 'transition_refused' | 'revision_outdated' | 'branch_moved' | null
  /** For people: why not, or what came of it where the task did not move. */
  reason: string | null
}

export const requestUpdate = defineUpdate<TaskVerdict, [TaskRequest]>('request')

/** A person's message for the agent, already stored as a prompt. */
export interface PersonPrompt {
  promptId: PromptId
  /** Absent: `queue`. */
  mode?: PromptMode
}
export const personPromptSignal = defineSignal<[PersonPrompt]>('personPrompt')

/** Someone gave a slot back. */
export const slotFreedSignal = defineSignal('slotFreed')

/** A push moved `helix-specs` or the working branch of this task; a hint to look, the truth is in Postgres. */
export interface Pushed {
  pushId: string
  what: 'spec' | 'code'
}
export const pushedSignal = defineSignal<[Pushed]>('pushed')

export interface TurnEnded {
  promptId: PromptId
  outcome: 'end_turn' | 'cancelled' | 'refusal' | 'max_tokens' | 'max_turn_requests' | 'error'
  message: string | null
  /** For `error`: whether telling the agent to go on may help. */
  retryable: boolean
  /**
   * Who ended it: a person who `stopped` it, whose message `interrupted` or `steered` it, or who took it back before it began (`withdrawn`); or a
   * `budget` without room, of which `message` then speaks.
   */
  endedBy?: 'stopped' | 'interrupted' | 'steered' | 'withdrawn' | 'budget'
  /** The message with which the agent goes on: the one that steered, or what waits already after a stop. */
  goesOnWith?: PromptId
  /** What the end of the wait for budget is named by. */
  stopId?: string
}
export const turnEndedSignal = defineSignal<[TurnEnded]>('turnEnded')

/** What waited under this name has budget again. It may be heard before the end of the turn that it is about. */
export const budgetRaisedSignal = defineSignal<[{ stopId: string }]>('budgetRaised')

/** The session tells the task what it waits for, to show on the card. */
export const sessionNoticeSignal = defineSignal<[{ activity: string }]>('sessionNotice')

export interface SpecTaskState {
  status: TaskStatus
  step: number
  sessionId: SessionId | null
  currentPromptId: PromptId | null
}
export const stateQuery = defineQuery<SpecTaskState>('state')

export interface AgentSessionInput {
  sessionId: SessionId
  /** The workflow to tell when a turn ends; null for a session without a task. */
  ownerWorkflowId: string | null
  /** Set by continue-as-new only. */
  carried?: AgentSessionCarried
}

export interface AgentSessionCarried {
  epoch: number
  queue: PromptId[]
  seen: string[]
  /** The host that it is to leave. */
  leaves?: string
  /** It waited for a host without a prompt. */
  wakes?: boolean
}

export const promptSignal = defineSignal<[PersonPrompt]>('prompt')
export const cancelTurnSignal = defineSignal<[{ promptId: PromptId | null; by?: 'person' }]>('cancelTurn')
/** Heard between turns only: a turn that runs is not cut off. With `leaves` it is kept until the turn's end: the next one runs on another host. */
export interface SuspendAsked {
  leaves?: string
  /** Its host stopped the machine of this start, and says why. */
  reason?: string
  epoch?: number
}
export const suspendSignal = defineSignal<[SuspendAsked?]>('suspend')
/** There is a host for the session. */
export const placeFreedSignal = defineSignal('placeFreed')
/** Start the machine without a prompt. */
export const wakeSignal = defineSignal('wake')
export const stopSessionSignal = defineSignal<[{ reason: string }]>('stopSession')
