import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type DesktopDown, type DesktopUp, desktopDown } from '@helix/contract/desktop-link'
import { messageType, streamLimits } from '@helix/contract/stream'
import { readTalk } from '@helix/contract/stream-talk'
import { decodeUp } from '@helix/contract/stream-up'
import { type WebSocket, WebSocketServer } from 'ws'
import { keepPinging } from '../link/pings.ts'
import { type Log, reasonOf } from '../log.ts'
import type { Desktop } from './desktop.ts'

/** Units: bytes that may wait for the host; sound and places of the pointer are left out then. */
const mostWaiting = 256 * 1024
/** A capture that keeps to its credit never comes near. */
const mostFrames = 32 * 1024 * 1024
const passing = new Set<number>([messageType.audio, messageType.cursorMove])

/** The host's connection to the desktop: one at a time, the newest. */
export class DesktopLink {
  private readonly desktop: Desktop
  private readonly log: Log
  private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: streamLimits.upBytes, perMessageDeflate: false })
  private current: WebSocket | null = null

  constructor(desktop: Desktop, log: Log) {
    this.desktop = desktop
    this.log = log
    desktop.attend({
      message: (bytes) => this.pass(bytes),
      screen: (screen) => this.say(screen),
      failed: (message) => this.say({ type: 'failed', message }),
    })
  }

  /** Whoever asks has shown the link's secret. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.current?.close(4000, 'replaced by a newer connection')
      this.current = accepted
      this.serve(accepted)
    })
  }

  say(word: DesktopUp): void {
    if (this.current?.readyState === 1) this.current.send(JSON.stringify(word))
  }

  close(): void {
    for (const socket of this.sockets.clients) socket.terminate()
  }

  private serve(socket: WebSocket): void {
    keepPinging(socket)
    socket.on('error', (error) => this.log.warn('the desktop link failed', { reason: reasonOf(error) }))
    socket.on('close', () => {
      if (this.current === socket) this.left()
    })
    socket.on('message', (data, isBinary) => {
      if (this.current !== socket) return
      if (isBinary) this.take(socket, data as Buffer)
      else this.heard(String(data))
    })
    this.begin()
  }

  private begin(): void {
    const { desktop } = this
    if (desktop.screen !== null) this.say(desktop.screen)
    desktop.start().catch((error) => this.say({ type: 'failed', message: reasonOf(error).slice(0, 1000) }))
  }

  private left(): void {
    this.current = null
    this.desktop.watch(false)
    this.desktop.hear(false)
    this.desktop.setLease({ holder: null, pausesAgent: false })
  }

  private take(socket: WebSocket, bytes: Buffer): void {
    const message = decodeUp(bytes)
    if (message.type === 'refused') return void this.log.warn('a message of the host is left out', { reason: message.text })
    if (message.type === 'ack') return void this.desktop.taken(message.sequence)
    if (message.type === 'ping') return
    const { input } = this.desktop
    input.send(bytes)
    if (!input.congested || socket.isPaused) return
    socket.pause()
    input.whenFree(() => socket.resume())
  }

  private heard(text: string): void {
    const word = readTalk(desktopDown, text)
    if (word.type === 'refused') this.log.warn('a word of the host is left out', { reason: word.text })
    else this.obey(word)
  }

  private obey(word: DesktopDown): void {
    const { desktop } = this
    if (word.type === 'viewers') desktop.watch(word.count > 0)
    else if (word.type === 'keyframe') desktop.requestKey()
    else if (word.type === 'rate') desktop.setRate(word)
    else if (word.type === 'lease') desktop.setLease({ holder: word.holder, pausesAgent: word.pausesAgent })
    else if (word.type === 'resize') desktop.resize(word)
    else if (word.type === 'audio') desktop.hear(word.on)
    else if (word.type === 'theme') desktop.setDark(word.dark).catch((error) => this.log.warn('no theme', { reason: reasonOf(error) }))
    else if (word.type === 'still') void this.still(word)
  }

  private async still({ requestId, ...wish }: Extract<DesktopDown, { type: 'still' }>): Promise<void> {
    const bytes = await this.desktop.stills.take(wish, requestId)
    if (bytes !== null) this.pass(bytes)
  }

  private pass(bytes: Uint8Array): void {
    const socket = this.current
    if (socket?.readyState !== 1) return
    if (passing.has(bytes[0] ?? 0) && socket.bufferedAmount > mostWaiting) return
    if (socket.bufferedAmount > mostFrames) return void socket.terminate()
    socket.send(bytes)
  }
}
