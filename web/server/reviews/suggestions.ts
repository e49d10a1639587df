import { HelixError } from '@helix/contract/errors'
import type { CommentId, RevisionId } from '@helix/contract/ids'
import type { Anchor, Revision, SpecDocument } from '@helix/contract/reviews'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import type { TaskRow, TaskStore } from '../tasks/store.ts'
import { documentPath, readDocuments, specsRepository } from './documents.ts'
import { withLineFeeds } from './reanchor.ts'
import type { ReviewStore, StoredComment } from './store.ts'
import { placesIn } from './threads.ts'

export interface Edit {
  start: number
  end: number
  /** What stands there now. */
  quote: string
  text: string
}

/** The text with all edits made; null when two of them touch each other. Offsets count line feeds only, the text keeps its own line ends. */
export function withEdits(source: string, edits: readonly Edit[]): string | null {
  const lines = withLineFeeds(source)
  const ordered = edits.toSorted((a, b) => a.start - b.start)
  if (ordered.some(({ start }, index) => start < (ordered[index - 1]?.end ?? 0))) return null
  let [text, at] = ['', 0]
  for (const edit of ordered) {
    text += lines.slice(at, edit.start) + withLineFeeds(edit.text)
    at = edit.end
  }
  text += lines.slice(at)
  return source.includes('\r\n') ? text.replace(/\n/g, '\r\n') : text
}

type Suggestion = StoredComment & { anchor: Anchor; suggestion: string }

interface Applying {
  context: Context
  store: ReviewStore
  tasks: TaskStore
  task: TaskRow
  actor: Actor
}

async function suggestionsOf({ store, task }: Applying, ids: readonly CommentId[]): Promise<Suggestion[]> {
  const found = await Promise.all([...new Set(ids)].map((id) => store.findComment(task.org_id, task.id, id)))
  return found.map((comment) => {
    if (comment === null) throw new HelixError('not_found')
    if (comment.anchor === null || comment.suggestion === null)
      throw new HelixError('invalid_request', 'commentIds: one of them suggests nothing', { fields: { commentIds: 'suggests nothing' } })
    if (comment.appliedCommit !== null) throw new HelixError('conflict', `The suggestion of ${comment.author.name} was applied already.`)
    return comment as Suggestion
  })
}

async function editsOf(applying: Applying, suggestions: readonly Suggestion[], revision: Revision): Promise<Map<SpecDocument, Edit[]>> {
  const places = await placesIn(applying, suggestions, revision)
  const edits = new Map<SpecDocument, Edit[]>()
  for (const { id, anchor, suggestion, author } of suggestions) {
    const place = places.get(id)
    if (place === undefined || place.start === null || place.end === null || place.state === 'changed')
      throw new HelixError(
        'conflict',
        `The text that ${author.name} suggested to change is ${place?.state ?? 'gone'} in revision ${revision.number}: edit it by hand, or ask the agent.`,
        { commentId: id },
      )
    const edit = { start: place.start, end: place.end, quote: anchor.quote, text: suggestion }
    edits.set(anchor.document, [...(edits.get(anchor.document) ?? []), edit])
  }
  return edits
}

/** Commits suggestions under the name of who applies them, and marks their threads as resolved. */
export async function applySuggestions(
  applying: Applying,
  { revisionId, commentIds }: { revisionId: RevisionId; commentIds: readonly CommentId[] },
): Promise<Revision> {
  const { context, store, tasks, task, actor } = applying
  if (task.status !== 'spec_review') throw new HelixError('conflict', 'Suggestions are applied while the spec is in review.')
  const [newest] = await store.revisions(task.org_id, task.id)
  if (newest === undefined) throw new HelixError('not_found')
  if (newest.id !== revisionId)
    throw new HelixError('revision_outdated', `Revision ${newest.number} is newer than what you are looking at: read it first.`)
  const suggestions = await suggestionsOf(applying, commentIds)
  const edits = await editsOf(applying, suggestions, newest)
  const documents = await readDocuments(context, tasks, task, newest)
  const files = [...edits].map(([document, list]) => {
    const expected = documents[document] ?? ''
    const text = withEdits(expected, list)
    if (text === null) throw new HelixError('conflict', 'Two of these suggestions change the same text: apply one of them.')
    return { path: documentPath(task, document), text, expected }
  })
  if (files.every(({ text, expected }) => text === expected))
    throw new HelixError('conflict', 'The suggestions change nothing: the text reads so already.')
  const repository = await specsRepository(tasks, task)
  if (repository === null) throw new HelixError('not_found')
  const person = await context.db('users').where({ id: actor.userId }).first('name', 'email')
  const names = [...new Set(suggestions.map(({ author }) => author.name))].join(', ')
  const what = suggestions.length === 1 ? 'a suggestion' : `${suggestions.length} suggestions`
  const outcome = await context.git.commitFiles(repository, {
    ref: 'refs/heads/helix-specs',
    files,
    message: `Spec of #${task.number}: apply ${what} of ${names}`,
    author: person,
    userId: actor.userId,
  })
  if (outcome.outcome === 'conflict')
    throw new HelixError('revision_outdated', 'A push changed the same document at this moment: look at the new revision first.')
  if (outcome.outcome === 'failed') throw new HelixError('conflict', `The commit could not be made: ${outcome.reason}`)
  await markApplied(applying, suggestions, outcome.commit)
  const revision = (await store.revisions(task.org_id, task.id)).find(({ commit }) => commit === outcome.commit)
  if (revision === undefined)
    throw new HelixError('conflict', 'The commit is made; its revision is not recorded yet. Look again in a moment.')
  return revision
}

async function markApplied({ context, store, task, actor }: Applying, suggestions: readonly Suggestion[], commit: string): Promise<void> {
  await context.db.transaction(async (trx) => {
    await store.markApplied(
      trx,
      task.org_id,
      suggestions.map(({ id }) => id),
      commit,
      actor.userName,
    )
    await appendEvent(trx, task.org_id, { type: 'spec.commented', projectId: task.project_id, taskId: task.id })
  })
  context.bus.wake(task.org_id)
}
