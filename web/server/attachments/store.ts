import type { Attachment } from '@helix/contract/attachments'
import type { AttachmentId, OrgId, ProjectId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { overdue } from '../projects/deletion/store.ts'
import { attachmentOf } from '../tasks/extras/store.ts'

export interface AttachmentRow {
  id: AttachmentId
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
  name: string
  type: Attachment['type']
  size: number
  sha256: string
  caption: string | null
}

type NewAttachment = Pick<AttachmentRow, 'name' | 'type' | 'size' | 'sha256'> & Partial<Pick<AttachmentRow, 'caption'>>

/** Rows of uploaded files. The bytes lie on disk by their hash, once for each organisation. */
export class AttachmentStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Who puts these bytes on disk or takes them away does it alone: an identical file that arrives while they are collected is not lost with them. */
  private alone<T>(orgId: OrgId, sha256: string, work: (trx: Knex) => Promise<T>): Promise<T> {
    return this.db.transaction(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(hashtext(?))', [`attachment ${orgId} ${sha256}`])
      return work(trx)
    })
  }

  /** The row of a file, and by `keep` its bytes. */
  keep(orgId: OrgId, projectId: ProjectId, userId: UserId, file: NewAttachment, keep: () => Promise<void>): Promise<Attachment> {
    return this.alone(orgId, file.sha256, async (trx) => {
      const made = await new AttachmentStore(trx).insert(orgId, projectId, userId, file)
      await keep()
      return made
    })
  }

  private async insert(orgId: OrgId, projectId: ProjectId, userId: UserId, file: NewAttachment): Promise<Attachment> {
    const row = { id: newId('attachment'), org_id: orgId, project_id: projectId, created_by: userId, ...file }
    await this.db('attachments').insert(row)
    return attachmentOf(row)
  }

  async find(id: AttachmentId): Promise<AttachmentRow | null> {
    return (await this.db('attachments').where({ id }).first()) ?? null
  }

  async count(orgId: OrgId, taskId: TaskId): Promise<number> {
    const row = await this.db('attachments').where({ org_id: orgId, task_id: taskId }).count('* as count').first()
    return Number(row?.count ?? 0)
  }

  async detach(orgId: OrgId, taskId: TaskId, id: AttachmentId): Promise<boolean> {
    return (
      (await this.db('attachments')
        .where({ org_id: orgId, task_id: taskId, id })
        .update({ task_id: null, created_at: this.db.fn.now() })) === 1
    )
  }

  /** New rows over the same bytes, for a copy of the task in another project. */
  async copy({ orgId, userId }: { orgId: OrgId; userId: UserId }, taskId: TaskId, projectId: ProjectId): Promise<AttachmentId[]> {
    const rows = (await this.db('attachments').where({ org_id: orgId, task_id: taskId })) as AttachmentRow[]
    const made: AttachmentId[] = []
    for (const { name, type, size, sha256, caption } of rows)
      made.push((await this.insert(orgId, projectId, userId, { name, type, size, sha256, caption })).id)
    return made
  }

  /** Deletes what hangs on nothing for a day, and what is of a project that nobody can restore any more; `remove` is told of the bytes that no row wants any more. Answers with how many those were. */
  async collect(remove: (orgId: OrgId, sha256: string) => Promise<void>): Promise<number> {
    const old = (query: Knex.QueryBuilder) =>
      query.andWhere((either) =>
        either
          .whereRaw("(task_id is null and created_at < now() - interval '1 day')")
          .orWhereIn('project_id', overdue(this.db).select('id')),
      )
    const loose: { org_id: OrgId; sha256: string }[] = await old(this.db('attachments')).distinct('org_id', 'sha256')
    let removed = 0
    for (const { org_id, sha256 } of loose)
      await this.alone(org_id, sha256, async (trx) => {
        await old(trx('attachments').where({ org_id, sha256 })).delete()
        if ((await trx('attachments').where({ org_id, sha256 }).first('id')) !== undefined) return
        await remove(org_id, sha256)
        removed += 1
      })
    return removed
  }
}
