import {
  type CodeComment,
  createCodeComment,
  deleteCodeComment,
  listCodeComments,
  resolveCodeComment,
  sendCodeComments,
} from '@helix/contract/code-comments'
import type { TaskId } from '@helix/contract/ids'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'

type Where = Pick<CodeComment, 'path' | 'side' | 'line' | 'quote'>

/** The comments on one task's changes. */
export class CodeComments {
  items = $state.raw<readonly CodeComment[]>([])
  failure = $state.raw<Failure | null>(null)
  private readonly taskId: TaskId

  constructor(taskId: TaskId) {
    this.taskId = taskId
  }

  get open(): number {
    return this.items.filter(({ resolvedAt, sentAt }) => resolvedAt === null && sentAt === null).length
  }

  async read(): Promise<void> {
    try {
      this.items = (await call(listCodeComments, { params: { taskId: this.taskId } })).items
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  /** Throws what the API refuses: the form shows it and keeps the text. */
  async add(commit: string, where: Where, body: string, now: boolean, idempotencyKey: string): Promise<void> {
    const params = { taskId: this.taskId }
    const quote = where.quote === null ? null : where.quote.slice(0, 2000)
    const comment = await call(createCodeComment, { params, body: { ...where, quote, commit, body }, idempotencyKey })
    if (now) await call(sendCodeComments, { params, body: { commentIds: [comment.id] }, idempotencyKey: `${idempotencyKey} send` })
    await this.read()
  }

  async send(ids: CodeComment['id'][]): Promise<void> {
    await call(sendCodeComments, { params: { taskId: this.taskId }, body: { commentIds: ids } })
    await this.read()
  }

  async resolve({ id, resolvedAt }: CodeComment): Promise<void> {
    await call(resolveCodeComment, { params: { taskId: this.taskId, codeCommentId: id }, body: { resolved: resolvedAt === null } })
    await this.read()
  }

  async remove({ id }: CodeComment): Promise<void> {
    await call(deleteCodeComment, { params: { taskId: this.taskId, codeCommentId: id } })
    await this.read()
  }
}
