import type { IncomingMessage } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import { streamPath, ticketAmong } from '@helix/contract/stream'
import type { StreamClaims } from '@helix/contract/stream-tickets'
import type { Context } from '../context.ts'
import { foreignOrigin } from '../sockets/origin.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { answerHead, refuse, splice, upgrade } from '../tunnels/splice.ts'

/** Units: milliseconds. */
const deadlineMs = 6000
/** Relayed at once by this process; each costs two descriptors here. */
const mostRelayed = 500

/** What of the request the host needs for its own handshake. */
const passed = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'user-agent'] as const

/** `/sandboxes/:hostId/*`: for viewers that do not reach the host. The bytes are carried as they are; the ticket is the host’s to take. */
export function desktopRelay(context: Context): UpgradeHandler {
  let relayed = 0
  return async (request, socket, head, params) => {
    try {
      const { hostId } = claimsOf(context, request, params.hostId ?? '')
      if (relayed >= mostRelayed)
        throw new HelixError('rate_limited', `${mostRelayed} viewers are relayed already: connect to the host directly.`)
      relayed += 1
      socket.once('close', () => {
        relayed -= 1
      })
      const bytes = await context.tunnels.dialStream(hostId)
      const headers = Object.fromEntries(passed.map((name) => [name, request.headers[name]]))
      const host = await upgrade({
        url: `http://host${request.url}`,
        headers: { ...headers, connection: 'Upgrade', upgrade: 'websocket', 'x-helix-client': addressOf(context, request) },
        deadlineMs,
        createConnection: () => bytes,
      })
      socket.write(answerHead(host.response))
      if (head.length > 0) host.socket.write(head)
      context.streams.signal.addEventListener('abort', () => socket.destroy(), { once: true })
      splice(socket, host.socket)
    } catch (error) {
      refuse(socket, error)
    }
  }
}

/** Nobody makes this process dial a host without a ticket for it. */
function claimsOf(context: Context, request: IncomingMessage, hostId: string): StreamClaims {
  if (foreignOrigin(context.config.frontendUrl, request)) throw new HelixError('cross_site')
  const url = URL.parse(request.url ?? '', 'http://x')
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const claims = context.streamTickets.read(ticketAmong(offered) ?? url?.searchParams.get('ticket') ?? '')
  if (claims === null)
    throw new HelixError('not_signed_in', 'This takes a ticket for a desktop, which lasts half a minute: ask for a new one.')
  if (claims.hostId !== hostId || url?.pathname !== streamPath(claims.hostId, claims.sessionId)) throw new HelixError('not_found')
  return claims
}

/** For the host’s counting of attempts: proxies that we believe say who comes. */
function addressOf({ config }: Context, { socket, headers }: IncomingMessage): string {
  const direct = socket.remoteAddress ?? ''
  const forwarded = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim()
  const believed = config.HELIX_TRUSTED_PROXIES.includes('loopback') && /^(::ffff:)?127\.|^::1$/.test(direct)
  return believed && forwarded !== undefined && forwarded !== '' ? forwarded.slice(0, 64) : direct
}
