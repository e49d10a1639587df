import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { peekHeader } from '@helix/contract/desktop-link'
import type { WatchPictures } from '@helix/contract/desktop-pictures'
import type { SessionId } from '@helix/contract/ids'
import type { HostUp } from '@helix/contract/link'
import { decodeDown } from '@helix/contract/stream-down'
import { encodeStill } from '@helix/contract/stream-down-encode'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LocalSession } from '../sessions/local-session.ts'
import { Pictures } from './pictures.ts'
import { PictureWatch } from './watch.ts'

const sessionId = 'ses_01h455vb4pex5vsknk084sn02q' as SessionId
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 })

let server: Server
let open: { have: string; answer: (status: number, have?: string, bytes?: Uint8Array) => void }[]
let authorizations: string[]
let pictures: Pictures
let sent: HostUp[]
let drawn: [number, string][]
let free: boolean
let session: Partial<LocalSession> | undefined
beforeEach(async () => {
  open = []
  authorizations = []
  sent = []
  drawn = []
  free = true
  server = createServer(supervisor)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  session = { epoch: 3, over: null, address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
  pictures = new Pictures({
    registry: { find: () => session as LocalSession | undefined },
    linkSecret: (id, epoch) => `${id} ${epoch}`,
    send: (frame) => sent.push(frame) > 0,
    sendBytes: (bytes) => {
      const still = decodeDown(bytes)
      if (free && still.type === 'still') drawn.push([still.requestId, Buffer.from(still.jpeg).subarray(2).toString()])
      return free
    },
  })
})
afterEach(() => {
  pictures.close()
  server.closeAllConnections()
  server.close()
})

function supervisor(request: IncomingMessage, response: ServerResponse): void {
  authorizations.push(request.headers.authorization ?? '')
  const have = new URL(request.url ?? '', 'http://x').searchParams.get('have') ?? ''
  const one = {
    have,
    answer: (status: number, next = '', bytes?: Uint8Array) => {
      open.splice(open.indexOf(one), 1)
      response.writeHead(status, { [peekHeader]: next }).end(bytes)
    },
  }
  open.push(one)
  response.once('close', () => open.includes(one) && open.splice(open.indexOf(one), 1))
}

const still = (text: string): Uint8Array =>
  encodeStill({ width: 320, height: 180, sequence: 1, capturedUs: 1, requestId: 1, jpeg: Buffer.from(`\xff\xd8${text}`, 'latin1') })
const want = (...items: WatchPictures['items']): void => pictures.want({ type: 'watchPictures', items })

test('a picture is sent under the control plane’s number, and the next is waited for at the machine', async () => {
  want({ n: 7, sessionId, epoch: 3 })
  await soon(() => open.length).toBe(1)
  expect(authorizations).toEqual([`Bearer ${sessionId} 3`])
  open[0]?.answer(200, 'a.1', still('one'))
  await soon(() => drawn).toEqual([[7, 'one']])
  await soon(() => open[0]?.have).toBe('a.1')
  // Nothing changed for long: nothing is sent, and it is asked on.
  open[0]?.answer(304, 'a.1')
  await soon(() => open[0]?.have).toBe('a.1')
  expect([drawn.length, sent]).toEqual([1, []])
  open[0]?.answer(204, 'off')
  await soon(() => sent).toEqual([{ type: 'pictureState', n: 7, state: 'off' }])
  want()
  await soon(() => open.length).toBe(0)
})

test('a session that is not here, of another start, or of an older version has no pictures', async () => {
  want({ n: 1, sessionId, epoch: 2 })
  await soon(() => sent).toEqual([{ type: 'pictureState', n: 1, state: 'none' }])
  want({ n: 2, sessionId, epoch: 3 })
  await soon(() => open.length).toBe(1)
  open[0]?.answer(404)
  await soon(() => sent.at(-1)).toEqual({ type: 'pictureState', n: 2, state: 'none' })
  session = undefined
  want({ n: 3, sessionId, epoch: 3 })
  await soon(() => sent.at(-1)).toEqual({ type: 'pictureState', n: 3, state: 'none' })
  expect(drawn).toEqual([])
})

test('what is no picture, or too large for one, is not passed on', async () => {
  want({ n: 1, sessionId, epoch: 3 })
  await soon(() => open.length).toBe(1)
  open[0]?.answer(200, 'a.1', Buffer.from('<script>'))
  await soon(() => open[0]?.have).toBe('a.1')
  open[0]?.answer(200, 'a.2', Buffer.alloc(60_000))
  await soon(() => sent).toEqual([{ type: 'pictureState', n: 1, state: 'none' }])
  expect(drawn).toEqual([])
})

test('a picture that the network did not take is asked for again', async () => {
  const haves: string[] = []
  const taken: string[] = []
  const watch = new PictureWatch({
    n: 1,
    everyMs: 5,
    peek: async (have, signal) => {
      haves.push(have)
      if (have !== '') await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return { state: 'picture', have: 'a.1', bytes: Buffer.from(still('x')) }
    },
    picture: () => taken.push('try') > 2,
    told: () => undefined,
  })
  await soon(() => haves).toEqual(['', '', '', 'a.1'])
  watch.end()
})

test('one picture in two seconds is the most, however often the screen changes', async () => {
  const at: number[] = []
  const watch = new PictureWatch({
    n: 1,
    everyMs: 100,
    peek: async () => ({ state: 'picture', have: String(at.length), bytes: Buffer.from(still('x')) }),
    picture: () => at.push(performance.now()) > 0,
    told: () => undefined,
  })
  await soon(() => at.length).toBe(4)
  watch.end()
  expect((at[3] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(250)
})
