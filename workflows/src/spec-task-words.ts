import type { TaskStatus } from '@helix/contract/task-status'

/** The sentence on the card when a status begins: what the task waits for, or what happens now. */
export const beginning: Record<TaskStatus, string> = {
  backlog: 'In the backlog',
  queued_planning: 'Waits for a place to plan',
  planning: 'Starting the agent',
  spec_review: 'The spec waits for your review',
  queued_implementation: 'Waits for a place to implement',
  implementing: 'Starting the implementation',
  implementation_review: 'The implementation waits for your review',
  pull_request: 'Merging',
  merged: 'Merged',
  failed: 'Failed',
  archived: 'Archived',
}
