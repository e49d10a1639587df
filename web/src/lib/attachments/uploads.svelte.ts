import type { Attachment } from '@helix/contract/attachments'
import type { ProjectId } from '@helix/contract/ids'
import { type Failure, failureOf } from '#lib/failure.ts'
import { upload } from './upload.ts'

/** Files that a person puts on something which is not sent yet. */
export class Uploads {
  done = $state.raw<Attachment[]>([])
  running = $state.raw<string[]>([])
  failure = $state.raw<Failure | null>(null)
  private readonly projectId: ProjectId

  constructor(projectId: ProjectId) {
    this.projectId = projectId
  }

  get ids(): Attachment['id'][] {
    return this.done.map(({ id }) => id)
  }

  async add(files: readonly File[]): Promise<void> {
    this.failure = null
    await Promise.all(files.map((file) => this.addOne(file)))
  }

  private async addOne(file: File): Promise<void> {
    this.running = [...this.running, file.name]
    try {
      this.done = [...this.done, await upload(this.projectId, file)]
    } catch (error) {
      this.failure = failureOf(error)
    }
    const at = this.running.indexOf(file.name)
    this.running = this.running.filter((_, index) => index !== at)
  }

  remove(id: Attachment['id']): void {
    this.done = this.done.filter((one) => one.id !== id)
  }

  clear(): void {
    this.done = []
    this.failure = null
  }
}
