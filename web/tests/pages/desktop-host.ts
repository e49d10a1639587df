import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { passPrefix, type StreamClose, streamClose, streamProtocol, ticketAmong } from '@helix/contract/stream'
import { isRefused } from '@helix/contract/stream-bytes'
import {
  encodeAudio,
  encodeClipboard,
  encodeCursorMove,
  encodeCursorShape,
  encodeFrame,
  encodePong,
  encodeStill,
} from '@helix/contract/stream-down-encode'
import { readTalk, type ViewerDown, viewerUp } from '@helix/contract/stream-talk'
import { decodeUp, type StreamUp } from '@helix/contract/stream-up'
import { type WebSocket, WebSocketServer } from 'ws'
import { blueJpeg, type Colour, clip, colours } from './desktop-clip.ts'

const arrow = new Uint8Array(16 * 16 * 4).map((_, at) => (at % 4 === 3 ? 255 : at % 4 === 0 ? 200 : 20))

/** One viewer as the stand-in sees it. Clipboards and texts are heard as words. */
export class Seat {
  readonly talk: { type: string; [field: string]: unknown }[] = []
  readonly input: StreamUp[] = []
  x: number | null = null
  y: number | null = null
  /** Its line is cut: nothing of it is answered. */
  cut = false
  readonly id: string
  readonly name: string
  readonly socket: WebSocket
  private sequence = 0

  constructor(id: string, name: string, socket: WebSocket) {
    this.id = id
    this.name = name
    this.socket = socket
  }

  say(message: ViewerDown): void {
    this.socket.send(JSON.stringify(message))
  }
  shows(colour: Colour): void {
    const picture = clip[colours.indexOf(colour)]
    if (picture === undefined) throw new Error(colour)
    this.socket.send(encodeFrame({ ...picture, refinement: false, sequence: this.sequence++, capturedUs: Date.now() * 1000 }))
  }
  showsStill(): void {
    this.socket.send(encodeStill({ width: 16, height: 16, sequence: 0, capturedUs: Date.now() * 1000, requestId: 1, jpeg: blueJpeg }))
  }
  copies(text: string): void {
    this.socket.send(encodeClipboard({ kind: 'text', bytes: new TextEncoder().encode(text) }))
  }
  /** 20 ms of silence, as Opus has it. */
  sounds(): void {
    this.socket.send(encodeAudio({ sequence: this.sequence++, capturedUs: Date.now() * 1000, packet: new Uint8Array([0xf8, 0xff, 0xfe]) }))
  }
  moves(x: number, y: number): void {
    this.socket.send(encodeCursorMove({ x, y }))
  }
  closes(name: StreamClose): void {
    this.socket.close(streamClose[name])
  }
  of<T extends StreamUp['type']>(type: T): Extract<StreamUp, { type: T }>[] {
    return this.input.filter((message): message is Extract<StreamUp, { type: T }> => message.type === type)
  }
  /** What was pressed (+) and let go (-), as keysyms in hex. */
  get keys(): string[] {
    return this.of('key').map(({ keysym, down }) => `${down ? '+' : '-'}${keysym.toString(16)}`)
  }
  said(type: string) {
    return this.talk.filter((message) => message.type === type)
  }
}

/** A host's stream server as the contract has it: it plays a clip, and writes down what viewers send. */
export class DesktopHost {
  readonly seats: Seat[] = []
  readonly tickets: string[] = []
  readonly refused: string[] = []
  /** What a key frame is asked for gets. */
  key: Colour = 'red'
  right: 'view' | 'control' = 'control'
  silent = false
  port = 0
  private holder: Seat | null = null
  private readonly http: Server
  private readonly sockets: WebSocketServer

  private constructor() {
    this.http = createServer((_, response) => response.writeHead(404).end())
    this.sockets = new WebSocketServer({
      server: this.http,
      handleProtocols: (offered) => (offered.has(streamProtocol) ? streamProtocol : false),
    })
    this.sockets.on('connection', (socket, request) => {
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
      const ticket = ticketAmong(offered) ?? 'none'
      this.tickets.push(ticket)
      const seat = this.sit(socket)
      const former = this.seats.find(({ id }) => ticket === passPrefix + id)
      if (former !== undefined && !this.silent) this.follow(seat, former)
    })
  }

  static async open(port = 0): Promise<DesktopHost> {
    const host = new DesktopHost()
    host.http.listen(port, '127.0.0.1')
    await once(host.http, 'listening')
    const address = host.http.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    host.port = address.port
    return host
  }

  get url(): string {
    return `ws://localhost:${this.port}/sandboxes/hst/sessions/ses/desktop`
  }
  get open(): Seat[] {
    return this.seats.filter(({ socket }) => socket.readyState === socket.OPEN)
  }
  get seat(): Seat {
    const last = this.seats.at(-1)
    if (last === undefined) throw new Error('nobody looks')
    return last
  }

  async close(): Promise<void> {
    for (const { socket } of this.seats) socket.terminate()
    this.sockets.close()
    const gone = once(this.http, 'close')
    this.http.close()
    await gone
  }

  private sit(socket: WebSocket): Seat {
    const seat = new Seat(`v${this.seats.length + 1}`, ['Ada', 'Grace', 'Linus'][this.seats.length] ?? 'Somebody', socket)
    this.seats.push(seat)
    socket.on('message', (data: Buffer, binary) => (binary ? this.took(seat, new Uint8Array(data)) : this.heard(seat, String(data))))
    socket.on('close', () => {
      if (this.holder === seat) this.holder = null
      this.tell()
    })
    return seat
  }

  /** It takes the other's place with what that one said. */
  private follow(seat: Seat, former: Seat): void {
    seat.talk.push(...former.said('hello'))
    if (this.holder === former) this.holder = seat
    former.socket.terminate()
    this.greet(seat)
  }

  private took(seat: Seat, bytes: Uint8Array): void {
    // As the real one does: a viewer greets before anything else.
    if (seat.talk.length === 0) seat.closes('bad_message')
    const message = decodeUp(bytes)
    if (isRefused(message)) return void this.refused.push(message.text)
    seat.input.push(message)
    if (message.type === 'ping' && !this.silent && !seat.cut)
      seat.socket.send(encodePong({ clientUs: message.clientUs, serverUs: Date.now() * 1000 }))
    if (message.type !== 'pointer') return
    seat.x = message.x
    seat.y = message.y
    for (const other of this.open) if (other !== seat) other.say({ type: 'viewerMoved', id: seat.id, x: message.x, y: message.y })
  }

  private heard(seat: Seat, text: string): void {
    const message = readTalk(viewerUp, text)
    if (isRefused(message)) return void this.refused.push(message.text)
    seat.talk.push(message)
    if (message.type === 'hello') this.greet(seat)
    else if (message.type === 'keyframe') seat.shows(this.key)
    else if (message.type === 'take') this.take(seat, message.force, message.pausesAgent)
    else if (message.type === 'stills') seat.showsStill()
    else if (message.type === 'give') this.take(null, true, false)
    else if (message.type === 'resize') seat.say({ type: 'resized', width: message.width, height: message.height })
  }

  private greet(seat: Seat): void {
    const stream = { codec: 'avc1.42c02a', encoder: 'libx264', width: 1920, height: 1080, scale: 100 }
    const capabilities = { audio: true, clipboard: true, resize: true }
    const pass = passPrefix + seat.id
    seat.say({
      type: 'hello',
      version: 1,
      session: 'ses',
      ...stream,
      viewerId: seat.id,
      right: this.right,
      capabilities,
      relayed: false,
      pass,
    })
    seat.socket.send(encodeCursorShape({ hidden: false, width: 16, height: 16, hotX: 3, hotY: 4, serial: 1, pixels: arrow }))
    seat.moves(960, 540)
    this.tell()
    if (seat.talk[0]?.type === 'hello' && (seat.talk[0].capabilities as { webcodecs: boolean }).webcodecs) seat.shows(this.key)
  }

  private take(seat: Seat | null, force: boolean, pausesAgent: boolean): void {
    if (seat !== null && this.holder !== null && this.holder !== seat && !force) {
      seat.say({ type: 'error', code: 'control_held', message: `${this.holder.name} works in it.` })
      return
    }
    this.holder = seat
    this.tell(pausesAgent)
  }

  private tell(pausesAgent = false): void {
    const { holder } = this
    for (const seat of this.open) {
      const items = this.open.map((one) => ({
        id: one.id,
        name: one.name,
        controls: one === holder,
        x: one.x,
        y: one.y,
        you: one === seat,
      }))
      seat.say({ type: 'viewers', items })
      seat.say({ type: 'control', holder: holder === null ? null : { id: holder.id, name: holder.name }, pausesAgent, until: null })
    }
  }
}
