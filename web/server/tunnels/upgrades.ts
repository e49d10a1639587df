import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { idSchema } from '@helix/contract/ids'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Context } from '../context.ts'
import { hostCaller, speaksFor } from '../hosts/credentials/caller.ts'
import { hashSecret } from '../identity/hashing.ts'
import { sameSecret } from '../identity/same-secret.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { answerHead, refuse, splice, upgrade } from './splice.ts'

const passedOn = 'x-helix-passed-on'
/** Units: milliseconds. */
const pingEveryMs = 15_000

/** The link that heard of the tunnel is proof enough, and ends with its credential: tunnels are many. */
async function speaks(context: Context, { headers }: IncomingMessage, hostId: string): Promise<boolean> {
  const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
  if (headers.cookie === undefined && context.tunnels.opened(hostId, hashSecret(token))) return true
  const caller = await hostCaller(context, headers)
  return caller !== null && (await speaksFor(context, caller, hostId))
}

/** `/internal/v1/hosts/tunnels/:tunnelId`: a host carries a connection into one of its sessions. */
export function hostTunnels(context: Context): UpgradeHandler {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  return async (request, socket, head, params) => {
    const hostId = new URL(request.url ?? '/', 'http://x').searchParams.get('host') ?? ''
    if (!(await speaks(context, request, hostId))) return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n')
    const take = () => {
      let bytes: ReturnType<typeof createWebSocketStream> | undefined
      server.handleUpgrade(request, socket, head, (accepted) => {
        bytes = createWebSocketStream(accepted)
        const pings = setInterval(() => accepted.ping(), pingEveryMs)
        accepted.on('close', () => clearInterval(pings))
        bytes.on('error', () => accepted.terminate())
      })
      if (bytes === undefined) throw new Error('the upgrade of a tunnel failed')
      return bytes
    }
    if (context.tunnels.accept(params.tunnelId ?? '', hostId, take)) return
    // A balancer chose another replica than the one that asked.
    const passed = sameSecret(String(request.headers[passedOn] ?? ''), context.config.HELIX_WORKER_TOKEN)
    const address = passed ? null : await context.tunnels.store.holderOf(hostId)
    if (address === null || address === context.config.internalUrl)
      return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    const headers = { ...request.headers, [passedOn]: context.config.HELIX_WORKER_TOKEN }
    const holder = await upgrade({ url: `${address}${request.url}`, headers, deadlineMs: 5000 })
    socket.write(answerHead(holder.response))
    if (head.length > 0) holder.socket.write(head)
    splice(socket, holder.socket)
  }
}

/** `/internal/v1/tunnels/:sessionId`: another replica asks the one that holds the host's link. */
export const replicaTunnels = (context: Context): UpgradeHandler =>
  forReplicas(context, ({ sessionId }) => {
    const id = idSchema('session').safeParse(sessionId)
    return id.success ? context.tunnels.dialHere(id.data) : null
  })

/** `/internal/v1/streams/:hostId`: the same for the host's own stream server. */
export const replicaStreams = (context: Context): UpgradeHandler =>
  forReplicas(context, ({ hostId }) => {
    const id = idSchema('host').safeParse(hostId)
    return id.success ? context.tunnels.dialStreamHere(id.data) : null
  })

function forReplicas(context: Context, dial: (params: Readonly<Record<string, string>>) => Promise<Duplex> | null): UpgradeHandler {
  return async (request, socket, head, params) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (request.headers.cookie !== undefined || !sameSecret(token, context.config.HELIX_WORKER_TOKEN))
      return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n')
    const dialled = dial(params)
    if (dialled === null) return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    try {
      const bytes = await dialled
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: helix-tunnel\r\n\r\n')
      if (head.length > 0) bytes.write(head)
      splice(socket, bytes)
    } catch (error) {
      refuse(socket, error)
    }
  }
}
