import { type Revision, type SpecDocument, specDocuments } from '@helix/contract/reviews'
import type { Context } from '../context.ts'
import { specFolderOfRow, type TaskRow, type TaskStore } from '../tasks/store.ts'
import { ReviewStore } from './store.ts'

export type Documents = Record<SpecDocument, string | null>

/** Where the specs of a task are kept: the first repository of its project; null for a project without one. */
export async function specsRepository(tasks: TaskStore, task: TaskRow) {
  const [repository] = await tasks.repositoriesOf(task.org_id, task.project_id)
  return repository === undefined ? null : { orgId: task.org_id, repositoryId: repository.id }
}

export const documentPath = (task: Pick<TaskRow, 'number' | 'slug'>, name: SpecDocument): string => `${specFolderOfRow(task)}/${name}.md`

/** The three documents as they stand at a revision's commit, in the repository it was pushed to, whatever the project has first now; null where one is missing. */
export async function readDocuments(
  context: Pick<Context, 'git' | 'db'>,
  tasks: TaskStore,
  task: TaskRow,
  revision: Pick<Revision, 'commit'>,
): Promise<Documents> {
  const pushedTo = await new ReviewStore(context.db).repositoryOf(task.org_id, task.id, revision.commit)
  const key = pushedTo === null ? await specsRepository(tasks, task) : { orgId: task.org_id, repositoryId: pushedTo }
  const documents: Documents = { requirements: null, design: null, tasks: null }
  if (key === null) return documents
  await Promise.all(
    specDocuments.map(async (name) => {
      documents[name] = await context.git.readFile(key, revision.commit, documentPath(task, name))
    }),
  )
  return documents
}
