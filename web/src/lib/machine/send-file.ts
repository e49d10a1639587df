import { errorBody, HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { fileContentPath, uploadMostBytes } from '@helix/contract/machine-use'

/** Where a file of the workspace is read and written. */
export const contentUrl = (sessionId: SessionId, path: string): string =>
  `${fileContentPath.replace(':sessionId', sessionId)}?path=${encodeURIComponent(path)}`

/** Sends one file into a folder of the workspace, as it is. */
export async function sendFile(sessionId: SessionId, folder: string, file: File): Promise<void> {
  if (file.size > uploadMostBytes) throw new HelixError('too_large', `${file.name} has more than ${uploadMostBytes / 1024 ** 3} GiB.`)
  const response = await fetch(contentUrl(sessionId, `${folder}/${file.name}`), {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: file,
  })
  if (response.ok) return
  const refused = errorBody.safeParse(await response.json().catch(() => null))
  if (!refused.success) throw new HelixError('internal', `HTTP ${response.status} without a Helix error body`)
  const { code, message, details, requestId } = refused.data.error
  throw new HelixError(code, message, details, requestId)
}
