import type { CommentId, UserId } from '@helix/contract/ids'
import { type Role, roleGrants } from '@helix/contract/permissions'
import type { Comment, Place, Revision } from '@helix/contract/reviews'
import type { Context } from '../context.ts'
import type { TaskRow, TaskStore } from '../tasks/store.ts'
import { readDocuments } from './documents.ts'
import { reanchor, withLineFeeds } from './reanchor.ts'
import type { ReviewStore, StoredComment } from './store.ts'

interface Reading {
  context: Pick<Context, 'git' | 'db'>
  store: ReviewStore
  tasks: TaskStore
  task: TaskRow
}

/** Where the threads stand in a revision: found once for each, since neither ever changes. */
export async function placesIn(
  { context, store, tasks, task }: Reading,
  comments: readonly StoredComment[],
  revision: Revision,
): Promise<Map<CommentId, Place>> {
  const anchored = comments.filter(({ anchor }) => anchor !== null)
  const known = await store.placesIn(
    revision.id,
    anchored.map(({ id }) => id),
  )
  const wanted = anchored.filter(({ id }) => !known.has(id))
  if (wanted.length === 0) return known
  const revisions = new Map((await store.revisions(task.org_id, task.id)).map((one) => [one.id, one]))
  const texts = new Map<string, Awaited<ReturnType<typeof readDocuments>>>()
  const textsOf = async (one: Revision) => {
    const there = texts.get(one.id) ?? (await readDocuments(context, tasks, task, one))
    texts.set(one.id, there)
    return there
  }
  const found = new Map<CommentId, Place>()
  for (const { id, anchor, revisionId } of wanted) {
    const from = revisions.get(revisionId)
    if (anchor === null || from === undefined) continue
    const [before, after] = [await textsOf(from), await textsOf(revision)]
    const lines = (text: string | null): string => withLineFeeds(text ?? '')
    found.set(id, reanchor(lines(before[anchor.document]), anchor, lines(after[anchor.document])))
  }
  await store.keepPlaces(revision.id, found)
  return new Map([...known, ...found])
}

export interface Reader {
  userId: UserId
  role: Role
}

/** Who wrote a thread may say that it is dealt with, and who reviews: those asked to, or whoever may review where nobody is asked by name. */
export function mayResolve(thread: StoredComment, { userId, role }: Reader, reviewers: readonly { id: UserId }[]): boolean {
  if (!roleGrants(role, 'task:comment')) return false
  if (thread.author.id === userId || roleGrants(role, 'project:write')) return true
  if (!roleGrants(role, 'task:review')) return false
  return reviewers.length === 0 || reviewers.some(({ id }) => id === userId)
}

export function commentFor(
  stored: StoredComment,
  { place, reader, reviewers }: { place: Place | null; reader: Reader; reviewers: readonly { id: UserId }[] },
): Comment {
  return { ...stored, place, mayResolve: stored.parentId === null && mayResolve(stored, reader, reviewers) }
}
