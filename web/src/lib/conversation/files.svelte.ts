import { type Attachment, attachment, attachmentMaxBytes, uploadPath } from '@helix/contract/attachments'
import { errorBody, HelixError } from '@helix/contract/errors'
import type { ProjectId } from '@helix/contract/ids'
import { type Failure, failureOf } from '#lib/failure.ts'

async function upload(projectId: ProjectId, file: File): Promise<Attachment> {
  if (file.size > attachmentMaxBytes)
    throw new HelixError('too_large', `${file.name} is larger than ${attachmentMaxBytes / 1024 / 1024} MiB.`)
  const response = await fetch(uploadPath.replace(':projectId', projectId), {
    method: 'POST',
    headers: { 'x-file-name': encodeURIComponent(file.name), 'content-type': 'application/octet-stream' },
    body: file,
  })
  const json: unknown = await response.json()
  if (response.ok) return attachment.parse(json)
  const { code, message, details, requestId } = errorBody.parse(json).error
  throw new HelixError(code, message, details, requestId)
}

/** Files that go with the next message: uploaded as they are given. */
export class Files {
  items = $state.raw<readonly Attachment[]>([])
  failure = $state.raw<Failure | null>(null)
  private running = $state(0)
  private readonly projectId: ProjectId

  constructor(projectId: ProjectId) {
    this.projectId = projectId
  }

  get uploading(): boolean {
    return this.running > 0
  }

  /** What was pasted or dropped, where it is files; text stays the box's own. */
  take(data: DataTransfer | null, event: Event): void {
    const given = [...(data?.files ?? [])]
    if (given.length === 0) return
    event.preventDefault()
    void this.add(given)
  }

  async add(given: File[]): Promise<void> {
    this.failure = null
    for (const file of given) {
      this.running += 1
      try {
        this.items = [...this.items, await upload(this.projectId, file)]
      } catch (error) {
        this.failure = failureOf(error)
      }
      this.running -= 1
    }
  }

  remove({ id }: Attachment): void {
    this.items = this.items.filter((item) => item.id !== id)
  }

  /** Files of a message that is written on. */
  putBack(files: readonly Attachment[]): void {
    this.items = [...files, ...this.items]
  }

  clear(): void {
    this.items = []
  }
}
