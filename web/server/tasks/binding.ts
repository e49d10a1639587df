import type { Knex } from 'knex'
import type { TaskRow } from './store.ts'
import { TaskStore } from './store.ts'

const short = (commit: string): string => commit.slice(0, 9)

type Bound = Pick<TaskRow, 'id' | 'org_id' | 'project_id' | 'branch'>

/** Why a decision on this spec commit cannot count: the sentence names what is newer. Null when it is the newest revision. */
export async function revisionProblem(db: Knex, task: Bound, commit: string): Promise<string | null> {
  const newest = await new TaskStore(db).newestRevision(task.org_id, task.id)
  if (newest === null) return 'The task has no spec yet.'
  if (newest.commit === commit) return null
  return `Revision ${newest.number} (${short(newest.commit)}) is newer than ${short(commit)}: read it first.`
}

/** The same for the commit of the working branch. */
export async function branchProblem(db: Knex, task: Bound, commit: string): Promise<string | null> {
  const home = await new TaskStore(db).branchHome(task)
  if (home === null) return `The branch ${task.branch} was not pushed yet.`
  if (home.commit === commit) return null
  return `The branch is at ${short(home.commit)} now, not at ${short(commit)}: look at the newest changes first.`
}
