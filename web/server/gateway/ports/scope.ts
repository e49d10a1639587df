import type { OrgId, ProjectId, SessionId, TaskId, UserId } from '@helix/contract/ids'

/** Whose call it is: what budgets, limits and rows of usage go by. Null: the call is of none. */
export interface Scope {
  orgId: OrgId
  projectId: ProjectId | null
  taskId: TaskId | null
  sessionId: SessionId | null
  userId: UserId | null
  /** The prefix of the API key. */
  keyPrefix: string | null
}
