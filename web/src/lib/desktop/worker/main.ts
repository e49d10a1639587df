import { isRefused } from '@helix/contract/stream-bytes'
import { decodeDown, type Frame, type StreamDown } from '@helix/contract/stream-down'
import { encodeAck } from '@helix/contract/stream-up'
import { Clock, nowUs } from '../clock.ts'
import { greetingOf } from './greeting.ts'
import { Link } from './link.ts'
import { Measures } from './measures.ts'
import { Picture } from './picture.ts'
import { Sound } from './sound.ts'
import { decoderConfig, decodesOpus } from './support.ts'
import type { Decoding, FromWorker, ToWorker } from './talk.ts'

// The web worker's own globals are typed by another library than the page's; this is all that is used of them.
const page = self as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
}
const tell = (message: FromWorker, transfer: Transferable[] = []): void => page.postMessage(message, transfer)

const clock = new Clock()
const measures = new Measures()
const sound = new Sound(({ left, right }) => tell({ type: 'sound', left, right }, [left.buffer, right.buffer]))
const supported = decoderConfig()
let picture: Picture | null = null
let config: VideoDecoderConfig | null = null
let decoding: Decoding = 'stills'
let visible = true
let hears = false
let figures: ReturnType<typeof setInterval> | undefined

const link = new Link({
  opened: (attempt) => {
    picture?.rest()
    tell({ type: 'opened', attempt })
  },
  failed: (attempt, code) => tell({ type: 'failed', attempt, code }),
  closed: (code) => {
    picture?.rest()
    sound.rest()
    tell({ type: 'closed', code })
  },
  received,
  cameBack: () => picture?.rest(),
  rttMs: () => (clock.rttUs === null ? null : clock.rttUs / 1000),
})
const askKey = (): void => link.add(JSON.stringify({ type: 'keyframe' }))

function received(data: ArrayBuffer | string): void {
  if (typeof data === 'string') {
    talked(data)
    return
  }
  measures.arrived(data.byteLength)
  const message = decodeDown(new Uint8Array(data))
  if (!isRefused(message)) take(message)
  // What a later version may send is no fault.
  else if (message.code !== 'unknown_type') measures.refused++
}

function talked(text: string): void {
  const greeting = greetingOf(text)
  if (greeting !== null) {
    // Before the frames behind it, which a way through the page would not be.
    picture?.begin(greeting.codec)
    link.pass = greeting.pass
  }
  tell({ type: 'talk', text })
}

/** What was under way when nobody looked any more is acknowledged and no more. */
function frame(message: Frame): void {
  if (visible && decoding === 'video') picture?.frame(message)
  else link.add(encodeAck({ sequence: message.sequence, decodeUs: 0 }))
}

function take(message: StreamDown): void {
  if (message.type === 'pong') clock.take(message, nowUs())
  else if (message.type === 'frame') frame(message)
  else if (message.type === 'still') visible && decoding === 'stills' && void picture?.still(message)
  else if (message.type === 'audio') hears && visible && sound.packet(message)
  else tell(message)
}

async function open(canvas: OffscreenCanvas): Promise<void> {
  config = await supported
  decoding = config === null ? 'stills' : 'video'
  picture = new Picture(canvas, config, {
    decoded: ({ sequence, decodeUs, shown }) => {
      link.add(encodeAck({ sequence, decodeUs }))
      measures.decoded(decodeUs / 1000, shown)
    },
    painted: ({ width, height, capturedUs }) => {
      const since = clock.sinceUs(capturedUs, nowUs())
      measures.painted(since === null ? null : Math.max(0, since / 1000))
      tell({ type: 'painted', width, height })
    },
    needsKey: askKey,
    decoderFailed: () => measures.decoderErrors++,
    gaveUp: () => {
      decoding = 'stills'
      tell({ type: 'decoding', decoding })
    },
  })
  tell({ type: 'ready', decoding, audio: await decodesOpus() })
}

function look(now: boolean): void {
  visible = now
  if (!now) {
    picture?.rest()
    sound.rest()
  }
  link.add(JSON.stringify({ type: 'visibility', visible }))
  if (!now) return
  askKey()
  link.probe()
}

function measure(on: boolean): void {
  clearInterval(figures)
  if (!on) return
  const take = () =>
    measures.take(performance.now(), (clock.rttUs ?? Number.NaN) / 1000 || null, config?.hardwareAcceleration === 'prefer-hardware')
  take()
  figures = setInterval(() => tell({ type: 'figures', figures: take() }), 1000)
}

page.onmessage = ({ data: message }) => {
  if (message.type === 'canvas') void open(message.canvas)
  else if (message.type === 'dial') link.dial(message.attempt, message.url, message.ticket)
  else if (message.type === 'send') link.send(message.data)
  else if (message.type === 'hangUp') link.hangUp()
  else if (message.type === 'visible') look(message.visible)
  else if (message.type === 'figures') measure(message.on)
  else {
    hears = message.on
    if (!hears) sound.rest()
  }
}
