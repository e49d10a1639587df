import type { SessionId } from '@helix/contract/ids'
import { streamClose, streamVersion } from '@helix/contract/stream'
import { isRefused } from '@helix/contract/stream-bytes'
import {
  readTalk,
  type StreamPreset,
  type StreamRight,
  type StreamViewer,
  type ViewerDown,
  type ViewerUp,
  viewerDown,
} from '@helix/contract/stream-talk'
import { Clips } from './clips.svelte.ts'
import { Connection } from './connection.svelte.ts'
import { RemoteCursor } from './cursor.svelte.ts'
import type { Extent, Point } from './geometry.ts'
import { words } from './messages.ts'
import { Speaker } from './speaker.ts'
import type { Decoding, Figures, FromWorker, ToWorker } from './worker/talk.ts'

type Control = Extract<ViewerDown, { type: 'control' }>
export type HostFigures = Extract<ViewerDown, { type: 'stats' }>

/** One desktop on the page: the connection, who is there, who drives, and what was last seen. */
export class Desktop {
  screen = $state.raw<Extent | null>(null)
  /** A picture of it is on the canvas, be it an old one. */
  painted = $state(false)
  decoding = $state<Decoding>('video')
  right = $state<StreamRight>('view')
  viewers = $state.raw<StreamViewer[]>([])
  control = $state.raw<Pick<Control, 'holder' | 'pausesAgent' | 'until'>>({ holder: null, pausesAgent: false, until: null })
  offers = $state.raw({ audio: false, clipboard: false, resize: false })
  figures = $state.raw<Figures | null>(null)
  hostFigures = $state.raw<HostFigures | null>(null)
  measuring = $state(false)
  audible = $state(false)
  hears = $state(false)
  preset = $state<StreamPreset>('auto')
  pausesAgent = $state(false)
  /** Somebody works in it: the person is asked before it is taken. */
  held = $state(false)
  /** The last thing worth saying, in words. */
  notice = $state('')
  readonly cursor = new RemoteCursor()
  readonly clips: Clips
  readonly connection: Connection
  private viewerId = $state('')
  private readonly worker = new Worker(new URL('./worker/main.ts', import.meta.url), { type: 'module' })
  private readonly speaker = new Speaker()
  private wanted: Extent | null = null
  private readonly asked: 'view' | undefined
  private dark = false
  /** The worker said what it can do. */
  private knows = false
  /** The worker was not loaded: its canvas is lost, so all of it begins anew. */
  onunloaded: () => void = () => undefined

  /** `asked`: absent: the most that the person may. Who asks to look only changes nothing, not even the theme. */
  constructor(sessionId: SessionId, asked?: 'view') {
    this.asked = asked
    this.connection = new Connection(
      sessionId,
      (message) => this.post(message),
      () => this.knows && this.greet(),
      asked,
    )
    this.clips = new Clips((data) => this.send(data))
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.heard(data)
    // Chromium cuts what it loads when a network comes or goes.
    this.worker.onerror = () => {
      if (!this.knows) this.onunloaded()
    }
    // While the worker is loaded and asks what it can decode.
    void this.connection.connect()
  }

  get drives(): boolean {
    return this.control.holder !== null && this.control.holder.id === this.viewerId && this.connection.phase.kind === 'live'
  }
  get mayDrive(): boolean {
    return this.right === 'control'
  }
  get others(): StreamViewer[] {
    return this.viewers.filter(({ you }) => !you)
  }

  paintOn(canvas: HTMLCanvasElement, area: Extent): void {
    const surface = canvas.transferControlToOffscreen()
    this.wanted = area
    this.post({ type: 'canvas', canvas: surface }, [surface])
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.post({ type: 'send', data })
  }
  say(message: ViewerUp): void {
    if (this.connection.phase.kind === 'live') this.post({ type: 'send', data: JSON.stringify(message) })
  }

  take(force = false): void {
    this.held = false
    this.say({ type: 'take', pausesAgent: this.pausesAgent, force })
  }
  give(): void {
    this.say({ type: 'give' })
  }
  choosePreset(preset: StreamPreset): void {
    this.preset = preset
    this.say({ type: 'quality', preset })
  }
  pauseAgent(pauses: boolean): void {
    this.pausesAgent = pauses
    if (this.drives) this.take()
  }
  listen(on: boolean): void {
    this.hears = on
    this.speaker.turn(on)
    this.post({ type: 'audio', on })
    this.say({ type: 'audio', on })
  }
  measure(on: boolean): void {
    this.measuring = on
    this.figures = null
    this.hostFigures = null
    this.post({ type: 'figures', on })
    this.say({ type: 'stats', on })
  }
  theme(dark: boolean): void {
    this.dark = dark
    this.say({ type: 'theme', dark })
  }

  close(): void {
    this.connection.stop()
    this.speaker.turn(false)
    this.worker.terminate()
  }

  private post(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer)
  }

  private heard(message: FromWorker): void {
    if (message.type === 'talk') this.talked(message.text)
    else if (message.type === 'painted') this.painted = true
    else if (message.type === 'cursorShape') this.cursor.take(message)
    else if (message.type === 'cursorMove') this.cursor.at = { x: message.x, y: message.y }
    else if (message.type === 'clipboard') void this.clips.came(message, this.drives)
    else if (message.type === 'figures') this.measured(message.figures)
    else if (message.type === 'sound') this.speaker.play(message.left, message.right)
    else if (message.type === 'ready') this.ready(message)
    else if (message.type === 'decoding') this.stills()
    else this.connection.heard(message)
  }

  /** A still screen tells nothing new of some: what was measured last stays. */
  private measured(figures: Figures): void {
    const { decodeMs, glassMs } = this.figures ?? figures
    if (this.measuring) this.figures = { ...figures, decodeMs: figures.decodeMs ?? decodeMs, glassMs: figures.glassMs ?? glassMs }
  }

  private ready({ decoding, audio }: Extract<FromWorker, { type: 'ready' }>): void {
    this.decoding = decoding
    this.audible = audio
    this.knows = true
    if (this.connection.phase.kind === 'live') this.greet()
  }

  /** The first words on a connection, with all that was chosen before it. */
  private greet(): void {
    const { decoding, audible, preset, wanted } = this
    const capabilities = { webcodecs: decoding === 'video', audio: audible, stills: true }
    const screen =
      wanted === null
        ? {}
        : {
            screen: {
              width: Math.round(wanted.width * devicePixelRatio),
              height: Math.round(wanted.height * devicePixelRatio),
              scale: devicePixelRatio,
            },
          }
    this.say({ type: 'hello', version: streamVersion, capabilities, ...screen })
    if (document.visibilityState === 'hidden') this.say({ type: 'visibility', visible: false })
    if (preset !== 'auto') this.say({ type: 'quality', preset })
    if (decoding === 'stills') this.stills()
    if (this.hears) this.say({ type: 'audio', on: true })
    if (this.measuring) this.say({ type: 'stats', on: true })
    if (this.asked !== 'view') this.theme(this.dark)
  }

  private stills(): void {
    this.decoding = 'stills'
    this.say({ type: 'stills', on: true, everyMs: 300 })
  }

  private talked(text: string): void {
    const message = readTalk(viewerDown, text)
    if (isRefused(message)) return
    if (message.type === 'hello') this.greeted(message)
    else if (message.type === 'viewers') this.viewers = message.items
    else if (message.type === 'viewerMoved') this.moved(message.id, message)
    else if (message.type === 'control') this.controlled(message)
    else if (message.type === 'resized') this.screen = { width: message.width, height: message.height }
    else if (message.type === 'stats') this.hostFigures = this.measuring ? message : null
    else if (message.type === 'agentAction' && message.x !== null && message.y !== null) this.cursor.at = { x: message.x, y: message.y }
    else if (message.type === 'error') this.refused(message)
  }

  private greeted(hello: Extract<ViewerDown, { type: 'hello' }>): void {
    this.viewerId = hello.viewerId
    this.right = hello.right
    this.offers = hello.capabilities
    this.screen = { width: hello.width, height: hello.height }
    this.connection.relayed = hello.relayed
    this.connection.settled()
  }

  private moved(id: string, { x, y }: Point): void {
    this.viewers = this.viewers.map((one) => (one.id === id ? { ...one, x, y } : one))
  }

  private controlled({ holder, pausesAgent, until }: Control): void {
    const drove = this.drives
    this.control = { holder, pausesAgent, until }
    this.held = false
    if (drove && !this.drives) this.notice = holder === null ? words.freed : words.takenBy(holder.name)
    else if (this.drives) this.notice = ''
  }

  private refused({ code, message }: Extract<ViewerDown, { type: 'error' }>): void {
    if (code in streamClose) this.connection.lastWords = message
    if (code === 'control_held') this.held = true
    // Input without control is explained where control is taken.
    else if (code !== 'not_controller') this.notice = message
  }
}
