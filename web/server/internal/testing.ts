import { randomUUID } from 'node:crypto'
import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import type { TaskId } from '@helix/contract/ids'
import { recordStep } from '@helix/contract/internal'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import type { TaskStatus } from '@helix/contract/task-status'
import { createTask, type Task } from '@helix/contract/tasks'
import type { Person, TestServer } from '../testing/server.ts'

let repositories = 0

/** A project of this person over a new sample repository. */
export async function addProject(person: Person): Promise<Project> {
  const source = { kind: 'sample' as const }
  const repository = await person.call(createRepository, { body: { name: `sample-${++repositories}`, source } })
  return person.call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
}

export function addTask(person: Person, project: Project, body: Partial<BodyOf<typeof createTask>> = {}): Promise<Task> {
  return person.call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a thing', start: false, ...body } })
}

const nothing = {
  reason: null,
  actorId: null,
  failure: null,
  failedFrom: null,
  expectSpecCommit: null,
  expectBranchCommit: null,
  review: null,
}

/** Writes a step as the workflow would. */
export function writeStep(
  server: TestServer,
  taskId: TaskId,
  step: number,
  from: TaskStatus,
  to: TaskStatus,
  extra: Partial<BodyOf<typeof recordStep>> = {},
): Promise<ResponseOf<typeof recordStep>> {
  const body = { key: randomUUID(), step, from, to, cause: 'test', activity: to, mergedCommit: null, ...nothing, ...extra }
  return server.worker(recordStep, { params: { taskId }, body })
}
