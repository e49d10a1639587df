import type { CommentId, OrgId, ProjectId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { raise, settle } from '../inbox/store.ts'

export interface Named {
  id: UserId
  name: string
}

const code = /```[\s\S]*?(?:```|$)|`[^`\n]*`/g
const letter = /[\p{L}\p{N}_]/u

/** The people that a text names as `@name`: the longest name that fits, at the end of a word. Names in code are no mentions. */
export function mentionsIn(text: string, people: readonly Named[]): Named[] {
  const plain = text.replace(code, (piece) => ' '.repeat(piece.length)).toLowerCase()
  const byLength = people.filter(({ name }) => name.trim() !== '').toSorted((a, b) => b.name.length - a.name.length)
  const found = new Map<UserId, Named>()
  for (let at = plain.indexOf('@'); at !== -1; at = plain.indexOf('@', at + 1)) {
    // An e-mail address names nobody.
    if (at > 0 && letter.test(plain[at - 1] ?? '')) continue
    const rest = plain.slice(at + 1)
    const person = byLength.find(({ name }) => rest.startsWith(name.toLowerCase()) && !letter.test(rest[name.length] ?? ' '))
    if (person !== undefined) found.set(person.id, person)
  }
  return [...found.values()]
}

export interface Mention {
  orgId: OrgId
  projectId: ProjectId
  taskId: TaskId
  commentId: CommentId
  /** Who wrote it. */
  by: string
  text: string
}

/** Tells a person that a comment names them; part of the transaction that writes the comment. */
export async function mentioned(trx: Knex, userId: UserId, { commentId, by, text, ...about }: Mention): Promise<void> {
  const item = { ...about, kind: 'mention' as const, subject: `${commentId}:${userId}`, userId }
  await raise(trx, { ...item, title: `${by} mentioned you`, detail: text })
}

/** A thread that was answered by who it names, or resolved, needs them no more; `userId`: this person alone. */
export async function mentionsHandled(
  trx: Knex,
  { orgId, threadId, userId }: { orgId: OrgId; threadId: CommentId; userId?: UserId },
  by: { userId: UserId; reason: string },
): Promise<void> {
  const comments = trx('spec_comments').where({ id: threadId }).orWhere({ parent_id: threadId }).select('id')
  const items = await trx('inbox_items')
    .where({ org_id: orgId, kind: 'mention', ...(userId === undefined ? {} : { user_id: userId }) })
    .whereNull('done_at')
    .whereRaw("split_part(subject, ':', 1) in (?)", [comments])
    .pluck('id')
  for (const itemId of items) await settle(trx, orgId, { itemId }, by)
}
