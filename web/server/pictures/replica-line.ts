import { picturesDown } from '@helix/contract/desktop-pictures'
import type { HostId } from '@helix/contract/ids'
import { decodeDown } from '@helix/contract/stream-down'
import { WebSocket } from 'ws'
import type { Line, Sink, Wanted } from './sink.ts'

/** Units: milliseconds. */
const handshakeMs = 3000
/** Units: bytes of one message. */
const longest = 128 * 1024

export const replicaPicturesPath = '/internal/v1/host-pictures/:hostId'

/** Pictures of a host whose link ends at another replica. A line that breaks is not open any more; whoever wants pictures opens another. */
export function openReplicaLine(input: { address: string; hostId: HostId; token: string; sink: Sink }): Line {
  const { address, hostId, token, sink } = input
  const socket = new WebSocket(`${address.replace(/^http/, 'ws')}${replicaPicturesPath.replace(':hostId', hostId)}`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: handshakeMs,
    maxPayload: longest,
  })
  let wanted: readonly Wanted[] = []
  const tell = (): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'watchPictures', items: wanted }))
  }
  socket.on('open', tell)
  // Its end is told by `close`.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    for (const { n } of wanted) sink.state(n, 'none')
  })
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      const still = decodeDown(data)
      if (still.type === 'still') sink.picture(still.requestId, data)
      return
    }
    const told = picturesDown.safeParse(JSON.parse(String(data)))
    if (told.success) sink.state(told.data.n, told.data.state)
  })
  return {
    get open() {
      return socket.readyState === WebSocket.CONNECTING || socket.readyState === WebSocket.OPEN
    },
    want(items) {
      const same = items.length === wanted.length && items.every((one, at) => one.n === wanted[at]?.n && one.epoch === wanted[at]?.epoch)
      wanted = items
      if (!same) tell()
    },
    end() {
      wanted = []
      socket.terminate()
    },
  }
}
