import type { ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { getChanges } from '@helix/contract/task-work'
import type { Task } from '@helix/contract/tasks'
import { specTaskWorkflowId } from '@helix/workflows/messages'
import { allowedActions } from '@helix/workflows/spec-task-transitions'
import type { Context } from '../context.ts'
import { ExtrasStore } from './extras/store.ts'
import { baseBranchIn, cardOf, specFolderOfRow, type TaskRow, type TaskStore } from './store.ts'

/** The link of a workflow in the Temporal UI; null where none is configured. */
function workflowUrl(context: Context, workflowId: string): string | null {
  const { TEMPORAL_UI_URL: base, TEMPORAL_NAMESPACE: namespace } = context.config
  return base === undefined ? null : `${base}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`
}

/** The whole task as the API answers it. */
export async function describeTask(context: Context, store: TaskStore, row: TaskRow): Promise<Task> {
  const home = await store.branchHome(row)
  const revision = await store.newestRevision(row.org_id, row.id)
  const workflowId = specTaskWorkflowId(row.id)
  const extras = new ExtrasStore(context.db)
  const cardExtras = await extras.ofTasks(row.org_id, [row.id])
  return {
    ...cardOf(row, cardExtras(row.id)),
    dependsOn: await extras.dependsOn(row.org_id, row.id),
    neededBy: await extras.neededBy(row.org_id, row.id),
    attachments: await extras.attachments(row.org_id, row.id),
    prompt: row.prompt,
    justDoIt: row.just_do_it,
    baseBranch: row.base_branch,
    branch: row.branch,
    specFolder: specFolderOfRow(row),
    sessionId: row.session_id,
    branchCommit: home?.commit ?? null,
    revision: revision === null ? null : { id: revision.id, number: revision.number, commit: revision.commit },
    mergedCommit: row.merged_commit,
    allowed: allowedActions(row.status, row.failed_from),
    workflowId,
    workflowUrl: workflowUrl(context, workflowId),
  }
}

/** The diff of the working branch in the first repository that has it. */
export async function changesOf(context: Context, store: TaskStore, row: TaskRow): Promise<ResponseOf<typeof getChanges>> {
  const repositories = await store.repositoriesOf(row.org_id, row.project_id)
  const home = await store.branchHome(row)
  const repository = repositories.find(({ id }) => id === home?.repositoryId) ?? repositories[0]
  if (repository === undefined) throw new HelixError('not_found')
  const none = { repositoryId: repository.id, base: null, head: null, commits: [], files: [], truncated: false }
  if (home === null) return none
  const key = { orgId: row.org_id, repositoryId: repository.id }
  const branch = baseBranchIn(row, repository, home.position)
  // A merged branch has nothing ahead of its base any more: it is compared with the merge's first parent.
  const base = row.merged_commit === null ? branch : ((await context.git.firstParent(key, row.merged_commit)) ?? branch)
  const { mergeBase, ...changes } = await context.git.changes(key, base, home.commit)
  return { ...none, base: mergeBase, head: home.commit, ...changes }
}
