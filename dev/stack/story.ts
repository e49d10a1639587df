import type { Call } from '@helix/contract/client'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import { createProject, type Project, updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { approveImplementation, approveSpec } from '@helix/contract/task-moves'
import type { TaskStatus } from '@helix/contract/task-status'
import { getTimeline } from '@helix/contract/task-work'
import { createTask, getTask, type Task } from '@helix/contract/tasks'

export interface Story {
  name: string
  prompt: string
}

export const sampleStory: Story = {
  name: 'Add a title case function',
  prompt:
    'Add a title case function\n\nWrite the first letter of each word of a text large and leave the rest as it is. Cover it with tests.',
}

/** A project over one repository: the sample, or an import. */
export async function openProject(call: Call, name: string, from: string | null): Promise<Project> {
  const source = from === null ? { kind: 'sample' as const } : { kind: 'import' as const, from }
  const repository = await call(createRepository, { body: { name, source } })
  return call(createProject, { body: { name, repositoryIds: [repository.id] } })
}

export async function allowTasksAtOnce(call: Call, project: Project, limit: number): Promise<void> {
  await call(updateProject, { params: { projectId: project.id }, body: { planningLimit: limit, implementingLimit: limit } })
}

/** Calls again while the control plane is away or a worker is missing: whoever drives a task outlives their deaths. */
export async function persistently<T>(work: () => Promise<T>, deadlineMs = 120_000): Promise<T> {
  const end = Date.now() + deadlineMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const passing = !(error instanceof HelixError) || error.status >= 500
      if (!passing || Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

const ended: readonly TaskStatus[] = ['merged', 'failed', 'archived']

/**
 * Does what a reviewer does until the task is merged: approves the spec and the implementation as they come up. Throws with the reason when it
 * fails or takes longer than `deadlineMs`. `watch` hears of every new status and sentence.
 */
export async function driveToMerged(call: Call, taskId: TaskId, deadlineMs: number, watch: (task: Task) => void): Promise<Task> {
  const params = { taskId }
  const end = Date.now() + deadlineMs
  for (;;) {
    const task = await persistently(() => call(getTask, { params }))
    watch(task)
    if (task.status === 'merged') return task
    if (ended.includes(task.status)) throw new Error(`task #${task.number} ${task.status}: ${task.failure?.message ?? 'no reason given'}`)
    if (Date.now() > end) throw new Error(`task #${task.number} is still ${task.status} after ${deadlineMs / 1000} s: ${task.activity}`)
    await approve(call, task)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** An approval that lost a race with a push or with its own repetition is no failure: the next look decides again. */
async function approve(call: Call, task: Task): Promise<void> {
  const params = { taskId: task.id }
  try {
    if (task.status === 'spec_review' && task.revision !== null) {
      const body = { commit: task.revision.commit }
      await persistently(() => call(approveSpec, { params, body }))
    }
    if (task.status === 'implementation_review' && task.branchCommit !== null) {
      const body = { commit: task.branchCommit }
      await persistently(() => call(approveImplementation, { params, body }))
    }
  } catch (error) {
    if (!(error instanceof HelixError) || error.status !== 409) throw error
  }
}

export async function createAndStart(call: Call, project: Project, story: Story, idempotencyKey: string): Promise<Task> {
  const body = { prompt: story.prompt, title: story.name }
  return persistently(() => call(createTask, { params: { projectId: project.id }, body, idempotencyKey }))
}

const seconds = (ms: number | null): string => (ms === null ? '' : `${(ms / 1000).toFixed(1)} s`)

/** The timeline as a table for the terminal. */
export async function timelineTable(call: Call, task: Task): Promise<string> {
  const timeline = await call(getTimeline, { params: { taskId: task.id } })
  const rows = timeline.steps.map((step) => [String(step.step), step.status, step.cause, seconds(step.durationMs), step.reason ?? ''])
  const starts = timeline.sessionStarts.map((start) => {
    const stages = start.stages.map((stage) => `${stage.name} ${seconds(stage.durationMs)}`).join(', ')
    return `session start ${start.epoch} (${start.reason}): ${stages}`
  })
  const turns = timeline.turns.map((turn) => {
    const took = turn.startedAt && turn.endedAt ? Date.parse(turn.endedAt) - Date.parse(turn.startedAt) : null
    return `turn ${turn.kind}: ${turn.state}${turn.outcome ? ` (${turn.outcome})` : ''} ${seconds(took)}`
  })
  return [table(['step', 'status', 'cause', 'lasted', 'reason'], rows), ...starts, ...turns].join('\n')
}

/** Columns padded to their widest cell. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
