import { errorBody, HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { fileContentPath, uploadMostBytes } from '@helix/contract/machine-use'

/** Where a file of the workspace is read and written. */
export const contentUrl = (sessionId: SessionId, path: string): string =>
  `${fileContentPath.replace(':sessionId', sessionId)}?path=${encodeURIComponent(path)}`

/** Sends one file into a folder of the workspace, as it is. `progress` gets the share that is sent, 0 to 1. */
export async function sendFile(sessionId: SessionId, folder: string, file: File, progress?: (share: number) => void): Promise<void> {
  if (file.size > uploadMostBytes) throw new HelixError('too_large', `${file.name} has more than ${uploadMostBytes / 1024 ** 3} GiB.`)
  const { status, text } = await put(contentUrl(sessionId, `${folder}/${file.name}`), file, progress)
  if (status >= 200 && status < 300) return
  const refused = errorBody.safeParse(jsonOf(text))
  if (!refused.success) throw new HelixError('internal', `HTTP ${status} without a Helix error body`)
  const { code, message, details, requestId } = refused.data.error
  throw new HelixError(code, message, details, requestId)
}

/** `fetch` tells nothing of how far an upload is. */
function put(url: string, file: File, progress?: (share: number) => void): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', url)
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.upload.onprogress = ({ loaded, total }) => progress?.(total === 0 ? 1 : loaded / total)
    request.onload = () => resolve({ status: request.status, text: request.responseText })
    request.onerror = () => reject(new TypeError('network error'))
    request.send(file)
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
