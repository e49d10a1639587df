import { watchPictures } from '@helix/contract/desktop-pictures'
import { idSchema } from '@helix/contract/ids'
import { WebSocketServer } from 'ws'
import type { Context } from '../context.ts'
import { sameSecret } from '../identity/same-secret.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { numbered } from './sink.ts'

/** Units: bytes. */
const longest = 128 * 1024
/** A replica that takes nothing gets nothing more until it does. */
const mostWaiting = 1024 * 1024
/** Units: milliseconds. */
const pingMs = 10_000

/** `/internal/v1/host-pictures/:hostId`: another replica wants pictures of a host whose link ends here. */
export function replicaPictures(context: Context): UpgradeHandler {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: longest })
  return (request, socket, head, params) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (request.headers.cookie !== undefined || !sameSecret(token, context.config.HELIX_WORKER_TOKEN))
      return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n')
    const hostId = idSchema('host').safeParse(params.hostId)
    const host = hostId.success ? context.pictures.hostHere(hostId.data) : null
    if (host === null) return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    server.handleUpgrade(request, socket, head, (replica) => {
      const line = host.attach({
        picture: (n, bytes) => {
          if (replica.bufferedAmount < mostWaiting) replica.send(numbered(bytes, n))
        },
        state: (n, state) => replica.send(JSON.stringify({ type: 'state', n, state })),
      })
      // The link ended: the other replica looks where it is now.
      const alive = setInterval(() => (line.open ? replica.ping() : replica.terminate()), pingMs)
      replica.on('error', () => replica.terminate())
      replica.on('close', () => {
        clearInterval(alive)
        line.end()
      })
      replica.on('message', (data) => {
        const frame = watchPictures.safeParse(jsonOf(String(data)))
        if (frame.success) line.want(frame.data.items)
        else replica.close(1008)
      })
      context.streams.signal.addEventListener('abort', () => replica.terminate(), { once: true })
    })
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
