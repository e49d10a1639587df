import { streamProtocols } from '@helix/contract/stream'
import { decodeDown } from '@helix/contract/stream-down'
import { encodeFrame } from '@helix/contract/stream-down-encode'
import { readTalk, viewerDown } from '@helix/contract/stream-talk'
import { encodeAck } from '@helix/contract/stream-up'
import { StreamHost } from '../../../sandbox/src/stream/testing-host.ts'
import { WebSocket } from '../../../sandbox/src/stream/testing-socket.ts'
import { type Random, saneDown, saneUp, spoil, spoiltWord } from './nonsense.ts'

const greeting = '{"type":"hello","version":1,"capabilities":{"webcodecs":true,"audio":true}}'
/** Units: messages that are handed to the sockets at once, and bytes that wait in them at most. */
const burst = 200
const mostWaiting = 4 * 1024 * 1024

export interface Wired {
  up: number
  down: number
  connections: number
  /** What a viewer was sent and could not read. */
  unread: number
}

/** Each comes from another address of this machine: who tries often from one is turned away. */
const addressOf = (index: number): string => `127.${1 + (index % 200)}.${Math.floor(index / 200) % 250}.1`

/** A viewer that says anything, reads everything, and connects again when it was thrown out. */
class RudeViewer {
  private readonly host: StreamHost
  private readonly random: Random
  private readonly first: number
  private socket: WebSocket | null = null
  connections = 0
  received = 0
  unread = 0

  constructor(host: StreamHost, random: Random, first: number) {
    this.host = host
    this.random = random
    this.first = first
  }

  async send(count: number): Promise<number> {
    if (this.socket?.readyState !== WebSocket.OPEN) await this.connect()
    const { socket, random } = this
    for (let sent = 0; sent < count; sent += 1) {
      if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > mostWaiting) return sent
      // Few are so bad that the connection ends with them: else little would be read.
      const fate = random()
      if (fate < 0.002) socket.send(spoil(random, saneUp(random)))
      else if (fate < 0.004) socket.send(spoiltWord(random))
      else socket.send(saneUp(random))
    }
    return count
  }

  close(): void {
    this.socket?.terminate()
  }

  private async connect(): Promise<void> {
    const localAddress = addressOf(this.first + this.connections * 7)
    const userId = `usr_${this.first}`
    const socket = new WebSocket(this.host.url, streamProtocols(this.host.ticket({ userId })), { perMessageDeflate: false, localAddress })
    this.connections += 1
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer, isBinary: boolean) => this.read(data, isBinary))
    await new Promise<void>((resolve) => {
      socket.once('open', resolve)
      socket.once('close', () => resolve())
    })
    if (socket.readyState !== WebSocket.OPEN) return
    socket.send(greeting)
    if (this.random() < 0.5) socket.send('{"type":"take","force":true}')
  }

  private read(data: Buffer, isBinary: boolean): void {
    this.received += 1
    const message = isBinary ? decodeDown(data) : readTalk(viewerDown, String(data))
    if (message.type === 'refused') this.unread += 1
    else if (message.type === 'frame') this.socket?.send(encodeAck({ sequence: message.sequence, decodeUs: 1 }))
  }
}

/** Through real sockets: viewers that say anything to a host, and a desktop that says anything to it. */
export async function fuzzWire(random: Random, count: number): Promise<Wired> {
  await using host = await StreamHost.open()
  const viewers = Array.from({ length: 6 }, (_, index) => new RudeViewer(host, random, index * 1000))
  let [up, down, sequence] = [0, 0, 0]
  while (up + down < count) {
    for (const viewer of viewers) up += await viewer.send(burst)
    for (let index = 0; index < burst * 2; index += 1) {
      const fate = random()
      sequence += 1
      const frame = () => encodeFrame({ key: true, refinement: false, width: 9, height: 9, sequence, capturedUs: 1, unit: Buffer.alloc(9) })
      host.desktop.send(
        fate < 0.4 ? spoil(random, saneDown(random)) : fate < 0.45 ? spoiltWord(random) : fate < 0.5 ? frame() : saneDown(random),
      )
    }
    down += burst * 2
    host.desktop.forget()
    await new Promise((resolve) => setImmediate(resolve))
    while (host.desktop.waitingBytes > mostWaiting) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const viewer of viewers) viewer.close()
  const sum = (of: (viewer: RudeViewer) => number): number => viewers.reduce((all, viewer) => all + of(viewer), 0)
  return { up, down, connections: sum(({ connections }) => connections), unread: sum(({ unread }) => unread) }
}

/** Comes, sees a picture, and takes its leave or is cut off. */
async function comeOnce(host: StreamHost, index: number): Promise<void> {
  const socket = new WebSocket(host.url, streamProtocols(host.ticket()), { perMessageDeflate: false, localAddress: addressOf(index) })
  await new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary && decodeDown(data).type === 'frame') resolve(null)
    })
    socket.once('open', () => socket.send(greeting))
  })
  if (index % 2 === 0) socket.close()
  else socket.terminate()
  await new Promise((resolve) => socket.once('close', resolve))
}

/** Viewers that come and go, ten at a time. */
export async function comeAndGo(host: StreamHost, cycles: number): Promise<void> {
  for (let index = 0; index < cycles; index += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, lane) => comeOnce(host, index + lane)))
    host.desktop.forget()
  }
}

/** So many look on and take nothing, while the screen moves as much as it can. Answers when they hold all that they will. */
export async function lookAndSleep(host: StreamHost, count: number): Promise<Disposable> {
  const fast = new WebSocket(host.url, streamProtocols(host.ticket()), { perMessageDeflate: false, localAddress: addressOf(1) })
  fast.on('message', (data: Buffer, isBinary: boolean) => {
    const message = isBinary ? decodeDown(data) : null
    if (message?.type === 'frame') fast.send(encodeAck({ sequence: message.sequence, decodeUs: 1 }))
  })
  const sockets = [fast]
  for (let index = 0; index < count; index += 1)
    sockets.push(new WebSocket(host.url, streamProtocols(host.ticket()), { perMessageDeflate: false, localAddress: addressOf(2 + index) }))
  for (const socket of sockets) {
    if (socket.readyState !== WebSocket.OPEN) await new Promise((resolve) => socket.once('open', resolve))
    socket.send(greeting)
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  for (const socket of sockets.slice(1)) socket.pause()
  for (let index = 0; index < 600; index += 1) {
    host.desktop.frame(index % 100 === 0)
    await new Promise((resolve) => setTimeout(resolve, 8))
  }
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.terminate()
    },
  }
}
