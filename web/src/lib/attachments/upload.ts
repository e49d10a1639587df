import { type Attachment, attachment, attachmentMaxBytes, uploadPath } from '@helix/contract/attachments'
import { errorBody, HelixError } from '@helix/contract/errors'
import type { ProjectId } from '@helix/contract/ids'

/** Sends one file as it is; `signal` takes it back. */
export async function upload(projectId: ProjectId, file: File, signal?: AbortSignal): Promise<Attachment> {
  if (file.size > attachmentMaxBytes) throw new HelixError('too_large', `${file.name} has more than 25 MB.`)
  const response = await fetch(uploadPath.replace(':projectId', projectId), {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'x-file-name': encodeURIComponent(file.name || 'pasted') },
    body: file,
    ...(signal === undefined ? {} : { signal }),
  })
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return attachment.parse(answer)
  const refused = errorBody.safeParse(answer)
  if (!refused.success) throw new HelixError('internal', `HTTP ${response.status} without a Helix error body`)
  throw new HelixError(refused.data.error.code, refused.data.error.message, refused.data.error.details, refused.data.error.requestId)
}

/** The files of a paste or a drop. */
export const filesOf = (data: DataTransfer | null): File[] => [...(data?.files ?? [])]
