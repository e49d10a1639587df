import type { Task } from '@helix/contract/tasks'
import { specTaskWorkflowId } from '@helix/workflows/messages'
import { allowedActions } from '@helix/workflows/spec-task-transitions'
import type { Context } from '../context.ts'
import { cardOf, specFolderOfRow, type TaskRow, type TaskStore } from './store.ts'

/** The link of a workflow in the Temporal UI; null where none is configured. */
function workflowUrl(context: Context, workflowId: string): string | null {
  const { TEMPORAL_UI_URL: base, TEMPORAL_NAMESPACE: namespace } = context.config
  return base === undefined ? null : `${base}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`
}

/** The whole task as the API answers it. */
export async function describeTask(context: Context, store: TaskStore, row: TaskRow): Promise<Task> {
  const [first] = await store.repositoriesOf(row.org_id, row.project_id)
  const revision = await store.newestRevision(row.org_id, row.id)
  const workflowId = specTaskWorkflowId(row.id)
  return {
    ...cardOf(row),
    prompt: row.prompt,
    justDoIt: row.just_do_it,
    baseBranch: row.base_branch,
    branch: row.branch,
    specFolder: specFolderOfRow(row),
    sessionId: row.session_id,
    branchCommit: first === undefined ? null : await store.branchCommit(first.id, row.branch),
    revision: revision === null ? null : { id: revision.id, number: revision.number, commit: revision.commit },
    mergedCommit: row.merged_commit,
    allowed: allowedActions(row.status, row.failed_from),
    workflowId,
    workflowUrl: workflowUrl(context, workflowId),
  }
}
