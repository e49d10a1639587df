import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { HelixError } from '@helix/contract/errors'
import { idSchema, type SessionId } from '@helix/contract/ids'
import { terminalId } from '@helix/contract/machine-use'
import type { Context } from '../context.ts'
import { requireActor } from '../http/mount.ts'
import { foreignOrigin } from '../sockets/origin.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { refuse, splice, upgrade } from '../tunnels/splice.ts'
import { machineHeaders } from './client.ts'

/** Units: milliseconds. Whoever lost their rights is cut off by then. */
const lookEveryMs = 15_000

/** Browsers send the cookie with a WebSocket of any page: only ours may. */
const fromElsewhere = ({ config }: Context, request: IncomingMessage): boolean =>
  request.headers.cookie !== undefined && foreignOrigin(config.frontendUrl, request)

/** `attachTerminalPath`: the browser's WebSocket is the supervisor's; this process carries the bytes between them. */
export function terminalAttachments(context: Context): UpgradeHandler {
  return async (request, socket, head, params) => {
    const may = () => requireActor(context, 'task:write', { headers: request.headers, params })
    try {
      if (fromElsewhere(context, request)) throw new HelixError('cross_site')
      await may()
      const ids = { sessionId: idSchema('session').safeParse(params.sessionId), id: terminalId.safeParse(params.terminalId) }
      if (!ids.sessionId.success || !ids.id.success) throw new HelixError('not_found')
      const after = new URL(request.url ?? '/', 'http://x').searchParams.get('after')
      const query = /^\d{1,15}$/.test(after ?? '') ? `?after=${after}` : ''
      const machine = await dial(context, ids.sessionId.data, `/terminals/${ids.id.data}/attach${query}`, request)
      if (head.length > 0) machine.socket.write(head)
      const names = ['upgrade', 'connection', 'sec-websocket-accept', 'sec-websocket-protocol']
      const answer = names.flatMap((name) => (machine.headers[name] === undefined ? [] : [`${name}: ${machine.headers[name]}\r\n`]))
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${answer.join('')}\r\n`)
      watch(context, ids.sessionId.data, socket, may)
      splice(socket, machine.socket)
    } catch (error) {
      refuse(socket, error)
    }
  }
}

async function dial(context: Context, sessionId: SessionId, path: string, { headers }: IncomingMessage) {
  context.use.touch(sessionId)
  const { bytes, epoch } = await context.tunnels.dial(sessionId)
  const { response, socket } = await upgrade({
    url: `http://session${path}`,
    headers: {
      ...machineHeaders(context, sessionId, epoch),
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': headers['sec-websocket-key'],
      'sec-websocket-version': headers['sec-websocket-version'],
    },
    deadlineMs: 5000,
    createConnection: () => bytes,
  })
  return { headers: response.headers, socket }
}

/** What is typed is use of the machine; and rights that end, end the connection. */
function watch(context: Context, sessionId: SessionId, socket: Duplex, may: () => Promise<unknown>): void {
  let typed = false
  socket.on('data', (data: Buffer) => {
    // Answers to pings have six bytes at most; a terminal nobody types into must not hold the machine.
    if (data.length > 6) typed = true
  })
  const timer = setInterval(() => {
    if (typed) context.use.touch(sessionId)
    typed = false
    may().catch(() => socket.destroy())
  }, lookEveryMs)
  socket.once('close', () => clearInterval(timer))
  context.streams.signal.addEventListener('abort', () => socket.destroy(), { once: true })
}
