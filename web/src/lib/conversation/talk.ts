import { answerPermission, editPrompt, findTaskPaths, withdrawPrompt } from '@helix/contract/conversation'
import type { BodyOf } from '@helix/contract/endpoint'
import type { ProjectId, PromptId } from '@helix/contract/ids'
import { answerSessionPermission, editSessionPrompt, withdrawSessionPrompt } from '@helix/contract/session-agent'
import { promptSession } from '@helix/contract/session-life'
import type { Session } from '@helix/contract/sessions'
import { type PromptMode, promptModes, sendPrompt } from '@helix/contract/task-work'
import type { Task } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'

/** How an agent is talked to: on its task, or in a session that no task has. */
export interface Talk {
  /** Names what this browser keeps of it, and changes when it is another agent. */
  key: string
  projectId: ProjectId
  /** The first is what is meant where nothing was chosen. */
  modes: readonly PromptMode[]
  /** Files may go with a message. */
  attaches: boolean
  /** Answers what became of the message, for people, where that is not what was asked for. */
  send(body: BodyOf<typeof sendPrompt>, idempotencyKey: string): Promise<string | null>
  edit(promptId: PromptId, text: string): Promise<unknown>
  withdraw(promptId: PromptId): Promise<unknown>
  answer(requestId: string, body: BodyOf<typeof answerPermission>): Promise<unknown>
  /** Files that a message may name; null: none are looked for. */
  findPaths: ((query: string) => Promise<string[]>) | null
}

export function talkOfTask({ id: taskId, projectId }: Pick<Task, 'id' | 'projectId'>): Talk {
  const params = { taskId }
  return {
    key: `task:${taskId}`,
    projectId,
    modes: promptModes,
    attaches: true,
    send: async (body, idempotencyKey) => (await call(sendPrompt, { params, body, idempotencyKey })).note,
    edit: (promptId, text) => call(editPrompt, { params: { taskId, promptId }, body: { text } }),
    withdraw: (promptId) => call(withdrawPrompt, { params: { taskId, promptId } }),
    answer: (requestId, body) => call(answerPermission, { params: { taskId, requestId }, body }),
    findPaths: async (query) => (await call(findTaskPaths, { params, query: { query, limit: 8 } })).paths,
  }
}

export function talkOfSession({ id: sessionId, projectId }: Pick<Session, 'id' | 'projectId'>): Talk {
  const params = { sessionId }
  return {
    key: `session:${sessionId}`,
    projectId,
    modes: promptModes,
    attaches: false,
    send: async ({ text, mode }, idempotencyKey) => {
      await call(promptSession, { params, body: { text, mode }, idempotencyKey })
      return null
    },
    edit: (promptId, text) => call(editSessionPrompt, { params: { sessionId, promptId }, body: { text } }),
    withdraw: (promptId) => call(withdrawSessionPrompt, { params: { sessionId, promptId } }),
    answer: (requestId, body) => call(answerSessionPermission, { params: { sessionId, requestId }, body }),
    findPaths: null,
  }
}
