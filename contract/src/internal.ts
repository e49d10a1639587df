import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { hostLogs, logQuery } from './host-logs.ts'
import { idSchema } from './ids.ts'
import { commitHash } from './repositories.ts'
import { sessionStates } from './sessions.ts'
import { taskFailure, taskStatus } from './task-status.ts'
import { timestamp } from './text.ts'

/**
 * What workers ask of the control plane, each the body of one activity. All of it may arrive twice: `key` is workflow id + step, and the
 * second call finds what the first did.
 */
const ofTask = z.object({ taskId: idSchema('task') })
const ofSession = z.object({ sessionId: idSchema('session') })
const key = z.string().min(1).max(300)

export const taskSnapshot = z.object({
  taskId: idSchema('task'),
  orgId: idSchema('org'),
  projectId: idSchema('project'),
  status: taskStatus,
  failedFrom: taskStatus.nullable(),
  /** The step number of the last status write; the workflow counts on from it. */
  step: z.number().int(),
  justDoIt: z.boolean(),
  sessionId: idSchema('session').nullable(),
  /** Where an archived task stood; null for others. */
  archivedFrom: z.object({ status: taskStatus, failedFrom: taskStatus.nullable() }).nullable().default(null),
  /** Set once it has been merged, also while archived. */
  mergedCommit: commitHash.nullable(),
  /** Units: milliseconds; how long one "-ing" state may last without a turn's end. */
  workDeadlineMs: z.number().int(),
  /** The agent waits for a person's answer: its time does not run. */
  waitsForPerson: z.boolean().default(false),
})
export type TaskSnapshot = z.infer<typeof taskSnapshot>

export const loadTask = defineEndpoint({
  method: 'GET',
  path: '/internal/v1/tasks/:taskId',
  permission: 'worker',
  summary: 'What a specTask workflow needs to start or go on',
  params: ofTask,
  response: taskSnapshot,
})

export const recordStep = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/steps',
  permission: 'worker',
  summary: 'Write the status by compare-and-set: lands only when `step` is the row’s step + 1, or is already written by the same key',
  params: ofTask,
  body: z.object({
    key,
    step: z.number().int().min(1),
    from: taskStatus,
    to: taskStatus,
    cause: z.string(),
    reason: z.string().nullable(),
    actorId: idSchema('user').nullable(),
    failure: taskFailure.nullable(),
    failedFrom: taskStatus.nullable(),
    /** One sentence for the card. */
    activity: z.string(),
    /** Checked in the same transaction: the newest spec revision must have this commit, else `revision_outdated`. */
    expectSpecCommit: commitHash.nullable(),
    /** Likewise for the working branch, else `branch_moved`. */
    expectBranchCommit: commitHash.nullable(),
    /** A review row is written with an approval or a request for changes of the spec. */
    review: z.object({ verdict: z.enum(['approved', 'changes_requested', 'rejected']), commit: commitHash, note: z.string() }).nullable(),
    mergedCommit: commitHash.nullable(),
  }),
  response: z.object({
    /** `written`, or why not: then the row did not change. `counted`: an approval was kept and others are needed; `refused`: by a rule of the project. */
    outcome: z.enum(['written', 'late', 'revision_outdated', 'branch_moved', 'counted', 'refused']),
    /** For people, with the newer revision or commit named, or how many approvals there are; null when written. */
    reason: z.string().nullable(),
  }),
})

export const setActivity = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/activity',
  permission: 'worker',
  summary: 'Replace the sentence on the card while the status stays',
  params: ofTask,
  body: z.object({ step: z.number().int(), activity: z.string().max(500) }),
})

export const claimSlot = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/slot',
  permission: 'worker',
  summary: 'Claim a place under the WIP limit of the project, in the order of queueing; a holder claims again for nothing',
  params: ofTask,
  body: z.object({
    phase: z.enum(['planning', 'implementing']),
    /** Take the place even over the limit: work that was under way already. */
    force: z.boolean(),
  }),
  response: z.object({ claimed: z.boolean(), /** For people: behind what it waits. */ reason: z.string().nullable() }),
})

export const releaseSlot = defineEndpoint({
  method: 'DELETE',
  path: '/internal/v1/tasks/:taskId/slot',
  permission: 'worker',
  summary: 'Give the place back and wake the next tasks in the queue (signal slotFreed by the outbox)',
  params: ofTask,
})

export const openSession = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/session',
  permission: 'worker',
  summary: 'The task’s session row; made by the first call, found by the others',
  params: ofTask,
  body: z.object({ key }),
  /** Not `ready`: its last life is still ending; ask again. */
  response: z.object({ sessionId: idSchema('session'), ready: z.boolean().default(true) }),
})

export const promptKinds = ['plan', 'revise_spec', 'implement', 'revise_implementation', 'resolve_conflict', 'nudge', 'person'] as const
export type PromptKind = (typeof promptKinds)[number]

export const preparePrompt = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/prompts',
  permission: 'worker',
  summary: 'Compose and store a prompt for the agent; texts never pass through Temporal',
  params: ofTask,
  body: z.object({
    key,
    kind: z.enum(promptKinds),
    /** For `revise_*`: the reviewer’s note is taken from the review with this key’s step; for `nudge`: what is missing. */
    note: z.string().max(20_000).nullable(),
  }),
  response: z.object({ promptId: idSchema('prompt') }),
})

export const assessTask = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/assessment',
  permission: 'worker',
  summary: 'After a turn: is what this phase must bring there?',
  params: ofTask,
  body: z.object({
    phase: z.enum(['planning', 'implementing']),
    /** A revision or commit made after this prompt was queued counts; null: any does. */
    sincePromptId: idSchema('prompt').nullable(),
  }),
  response: z.object({
    complete: z.boolean(),
    /** What is missing, for the agent and for people; null when complete. */
    missing: z.string().nullable(),
    /** The newest spec commit or branch commit; null when there is none. */
    commit: commitHash.nullable(),
  }),
})

export const mergeTask = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/merge',
  permission: 'worker',
  summary: 'Merge the approved commit of the working branch into the base branch; a merge that already happened is found, never repeated',
  params: ofTask,
  body: z.object({ key, commit: commitHash, approvedById: idSchema('user').nullable() }),
  response: z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('merged'), commit: commitHash }),
    /** The base branch moved on and the two do not merge by themselves. */
    z.object({ outcome: z.literal('conflict'), files: z.array(z.string()) }),
    z.object({ outcome: z.literal('failed'), reason: z.string() }),
  ]),
})

export const remindReviewers = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/tasks/:taskId/reminders',
  permission: 'worker',
  summary: 'Remind the reviewers of a task that waits for them; `count` 0 only asks when the first is due',
  params: ofTask,
  body: z.object({ step: z.number().int(), count: z.number().int().min(0).max(10) }),
  /** Units: milliseconds until the next; null: no more for this wait. */
  response: z.object({ nextInMs: z.number().int().nullable() }),
})

export const locateSession = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/sessions/:sessionId/location',
  permission: 'worker',
  summary: 'Where the session lives: its host’s queue while that host is online, else nothing',
  params: ofSession,
  response: z.object({
    epoch: z.number().int(),
    /** Temporal task queue of the host, `sandbox-<hostId>-<bootId>`; null when it has no home or the home is silent. */
    queue: z.string().nullable(),
    /** Its host is silent but not given up yet: wait and ask again. */
    waitForHost: z.boolean(),
    hostsOnline: z.number().int(),
    reason: z.string().nullable(),
    /** Units: milliseconds without a turn until the session is suspended; 0: never. */
    idleMs: z.number().int().optional(),
    /** Units: milliseconds for which people's use of the machine still keeps it from being suspended. */
    idleLeftMs: z.number().int().optional(),
    /** When the session ends by its project's time to live; null: not by time. */
    endsAt: timestamp.nullable().optional(),
  }),
})

/** Of the project, at the newest look. Units: milliseconds without a turn until the session is suspended, 0: never. */
const sessionTimes = { idleMs: z.number().int(), endsAt: timestamp.nullable() }

export const placeSession = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/sessions/:sessionId/place',
  permission: 'worker',
  summary: 'The session’s host: where it runs, else the one that is reserved for it, else its place in the queue',
  params: ofSession,
  response: z.discriminatedUnion('placed', [
    z.object({
      placed: z.literal(true),
      hostId: idSchema('host'),
      /** Temporal task queue of the host. */
      queue: z.string(),
      epoch: z.number().int(),
      ...sessionTimes,
    }),
    z.object({
      placed: z.literal(false),
      /** Null: room alone would not help. */
      position: z.number().int().nullable(),
      /** For people. */
      reason: z.string(),
      epoch: z.number().int(),
      ...sessionTimes,
    }),
  ]),
})

export const recordSession = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/sessions/:sessionId/state',
  permission: 'worker',
  summary: 'Write the session’s state; an older epoch loses. `stopped` revokes its tokens; `queued` takes its host from it',
  params: ofSession,
  body: z.object({ epoch: z.number().int(), state: z.enum(sessionStates), reason: z.string().max(2000).nullable() }),
})

export const recordTurn = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/sessions/:sessionId/turns',
  permission: 'worker',
  summary: 'Write that a prompt’s turn ended, with its outcome',
  params: ofSession,
  body: z.object({ promptId: idSchema('prompt'), state: z.enum(['running', 'ended', 'failed']), outcome: z.string().max(2000).nullable() }),
  response: z.object({
    /** The message was taken back while it waited: do not send it. */
    withdrawn: z.boolean().default(false),
    /** The turn ended because a budget has no room: the session waits until it has. `message` is for people. */
    budget: z.object({ stopId: idSchema('budgetStop'), message: z.string() }).optional(),
  }),
})

/** For whoever holds the installation's secrets: `npm start` prints such a link. */
export const createSignInLink = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/sign-in-links',
  permission: 'worker',
  summary: 'A fresh one-time sign-in link of the local administrator, valid for 15 minutes',
  response: z.object({ token: z.string(), url: z.url() }),
})

/** From one replica of the control plane to the one that holds the host's link. */
export const readHostLogs = defineEndpoint({
  method: 'GET',
  path: '/internal/v1/hosts/:hostId/logs',
  permission: 'worker',
  summary: 'Lines of a host’s log, from the replica that holds its link',
  params: z.object({ hostId: idSchema('host') }),
  query: logQuery,
  response: hostLogs,
  errors: ['machine_unavailable'],
})
