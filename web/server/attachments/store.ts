import type { Attachment } from '@helix/contract/attachments'
import type { AttachmentId, OrgId, ProjectId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
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
}

type NewAttachment = Pick<AttachmentRow, 'name' | 'type' | 'size' | 'sha256'>

/** Rows of uploaded files. The bytes lie on disk by their hash, once for each organisation. */
export class AttachmentStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async insert(orgId: OrgId, projectId: ProjectId, userId: UserId, file: NewAttachment): Promise<Attachment> {
    const row = { id: newId('attachment'), org_id: orgId, project_id: projectId, created_by: userId, ...file }
    await this.db('attachments').insert(row)
    return attachmentOf(row)
  }

  async find(id: AttachmentId): Promise<AttachmentRow | null> {
    return (await this.db('attachments').where({ id }).first()) ?? null
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
    for (const { name, type, size, sha256 } of rows)
      made.push((await this.insert(orgId, projectId, userId, { name, type, size, sha256 })).id)
    return made
  }

  /** Removes what hangs on nothing for a day; answers the bytes that no row wants any more. */
  async collect(): Promise<{ orgId: OrgId; sha256: string }[]> {
    const gone = (await this.db('attachments')
      .whereNull('task_id')
      .andWhereRaw("created_at < now() - interval '1 day'")
      .delete()
      .returning(['org_id', 'sha256'])) as { org_id: OrgId; sha256: string }[]
    const loose: { orgId: OrgId; sha256: string }[] = []
    for (const { org_id, sha256 } of gone)
      if ((await this.db('attachments').where({ org_id, sha256 }).first('id')) === undefined) loose.push({ orgId: org_id, sha256 })
    return loose
  }
}
