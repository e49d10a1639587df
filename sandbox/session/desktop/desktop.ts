import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DesktopDown } from '@helix/contract/desktop-link'
import { messageType } from '@helix/contract/stream'
import { decodeCaptured, encodeKeyframe, encodeRate, encodeRun } from '@helix/contract/stream-capture'
import { type Clipboard, decodeDown } from '@helix/contract/stream-down'
import { type Log, reasonOf } from '../log.ts'
import { answerFlag, changedType, encodeClipboardWanted, encodeReleaseAll, encodeTaken, encodeTellChanges, sizeType } from './commands.ts'
import { type Screen, screenOf } from './described.ts'
import { Look } from './look.ts'
import { Native } from './native.ts'
import type { DesktopPlace } from './place.ts'
import { Programs } from './programs.ts'
import { Sizes } from './sizes.ts'
import { Stills } from './stills.ts'
import { XServer } from './x-server.ts'

/** Units: milliseconds. */
const startMs = 10_000
const clipboardMs = 7000
/** What failed for good is tried again after this. */
const againMs = 30_000

export type Lease = Omit<Extract<DesktopDown, { type: 'lease' }>, 'type'>
type Rate = Omit<Extract<DesktopDown, { type: 'rate' }>, 'type'>

/** Whoever is told what the desktop shows. */
export interface Audience {
  /** A message of the wire, as it is. */
  message?(bytes: Uint8Array<ArrayBuffer>): void
  screen?(screen: Screen): void
  failed?(message: string): void
  changed?(): void
  driver?(): void
  /** It runs now, or does not any more. */
  ran?(running: boolean): void
}

export interface DesktopInput {
  place: DesktopPlace
  env: Record<string, string>
  encoder: string
  log: Log
}

/** The desktop of a session: started when somebody first asks for it, and kept alive from then on. */
export class Desktop {
  readonly input: Native
  readonly look: Look
  readonly stills: Stills
  readonly place: DesktopPlace
  readonly env: Record<string, string>
  private readonly log: Log
  private readonly server: XServer
  private readonly sizes: Sizes
  private readonly programs: Programs
  private readonly capture: Native
  private readonly audio: Native
  private readonly audience = new Set<Audience>()
  private starting: Promise<void> | null = null
  private up = Promise.withResolvers<void>()
  private over = false
  private watching = false
  private there = false
  private telling = 0
  private rate: Rate | null = null
  private readonly asking: ((clipboard: Clipboard | null) => void)[] = []
  /** Of the last frame; null: there was none. */
  sequence: number | null = null
  screen: Screen | null = null
  /** Units: pixels of the screen. */
  size: { width: number; height: number }
  lease: Lease = { holder: null, pausesAgent: false }

  constructor({ place, env, encoder, log }: DesktopInput) {
    this.place = place
    this.size = { width: place.rules.width, height: place.rules.height }
    this.env = env
    this.log = log
    this.look = new Look(place, env, log)
    this.programs = new Programs(place, env, this.look, log)
    this.sizes = new Sizes(place, env, this.look, log)
    const gaveUp = (reason: string): void => this.fail(reason)
    this.server = new XServer({ place, env, log, up: () => void this.cameUp(), down: () => this.wentDown(), gaveUp })
    const { fps } = place.rules
    const native = {
      user: place.user,
      cwd: '/',
      env,
      log,
      gaveUp,
      began: () => undefined,
      received: (bytes: Uint8Array<ArrayBuffer>) => this.tell(bytes),
    }
    const program = (name: string): { name: string; command: string } => ({ name, command: join(place.programs, name) })
    this.capture = new Native({
      ...native,
      ...program('helix-capture'),
      args: ['--encoder', encoder, '--fps', String(fps)],
      began: () => this.direct(),
      received: (bytes) => this.captured(bytes),
    })
    this.input = new Native({ ...native, ...program('helix-input'), args: [], received: (bytes) => this.answered(bytes) })
    // A desktop without sound is one.
    const silent = (reason: string): void => log.warn('the desktop has no sound', { reason })
    this.audio = new Native({ ...native, ...program('helix-audio'), args: [], gaveUp: silent })
    this.stills = new Stills((message) => this.capture.send(message))
  }

  /** Resolves when there is a screen. Rejects with a sentence; asked again it tries again. */
  start(): Promise<void> {
    this.starting ??= this.begin().catch((error) => {
      this.starting = null
      throw error
    })
    return this.starting
  }

  get running(): boolean {
    return this.there
  }

  stop(): void {
    this.over = true
    for (const { kept } of [this.capture, this.input, this.audio]) kept.stop()
    this.programs.stop()
    this.server.kept.stop()
    this.sizes.giveUp()
    this.stills.giveUp()
  }

  /** The answer ends it. */
  attend(audience: Audience): () => void {
    this.audience.add(audience)
    return () => void this.audience.delete(audience)
  }

  watch(on: boolean): void {
    this.watching = on
    this.capture.send(encodeRun(on))
  }

  requestKey(): void {
    this.capture.send(encodeKeyframe())
  }

  taken(sequence: number): void {
    this.capture.send(encodeTaken(sequence))
  }

  setRate(rate: Rate): void {
    this.rate = { ...rate, fps: Math.min(rate.fps, this.place.rules.fps) }
    this.capture.send(encodeRate({ ...this.rate, scalePercent: this.rate.scale }))
  }

  /** Changes are told also while nobody watches; the answer ends that. */
  tellChanges(): () => void {
    if (this.telling++ === 0) this.capture.send(encodeTellChanges(true))
    let over = false
    return () => {
      if (over) return
      over = true
      if (--this.telling === 0) this.capture.send(encodeTellChanges(false))
    }
  }

  hear(on: boolean): void {
    if (on && !this.over) this.audio.kept.start()
    else this.audio.kept.stop()
  }

  setLease(lease: Lease): void {
    const passes = lease.holder?.id !== this.lease.holder?.id
    this.lease = lease
    // What the one before held down must not stay down.
    if (passes) this.input.send(encodeReleaseAll())
    for (const one of [...this.audience]) one.driver?.()
  }

  async setDark(dark: boolean): Promise<void> {
    if (dark === this.look.dark) return
    this.look.dark = dark
    if (this.starting === null) return
    await this.look.write()
    this.programs.restyle()
    await this.look.paint()
  }

  resize(size: { width: number; height: number }): void {
    this.sizes.set(size)
  }

  /** What it holds; null: nobody can be asked now. */
  clipboard(): Promise<Clipboard | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.held(null), clipboardMs)
      this.asking.push((clipboard) => {
        clearTimeout(timer)
        resolve(clipboard)
      })
      if (!this.input.send(encodeClipboardWanted())) this.held(null)
    })
  }

  private held(clipboard: Clipboard | null): void {
    for (const done of this.asking.splice(0)) done(clipboard)
  }

  private answered(bytes: Uint8Array<ArrayBuffer>): void {
    const message = decodeDown(bytes)
    if (message.type !== 'clipboard') return
    if (bytes[1] === answerFlag) this.held(message)
    else this.tell(bytes)
  }

  private async begin(): Promise<void> {
    if (this.over) throw new Error('The session ends.')
    await this.look.write()
    this.up = Promise.withResolvers()
    this.up.promise.catch(() => undefined)
    await this.server.start()
    const late = sleep(startMs, 'late' as const, { ref: false })
    if ((await Promise.race([this.up.promise, late])) === 'late') throw new Error(`The X server was not ready in ${startMs / 1000} s.`)
  }

  private async cameUp(): Promise<void> {
    // Before the panel and before anybody looks: the first picture is not black.
    await this.look.paint()
    if (this.over) return
    for (const { kept } of [this.capture, this.input]) kept.start()
    this.programs.start()
    this.up.resolve()
  }

  /** What runs on the screen ends with it and waits for the next. */
  private wentDown(): void {
    for (const { kept } of [this.capture, this.input]) kept.stop()
    this.programs.stop()
    this.screen = null
    this.stills.giveUp()
    this.ran(false)
  }

  private ran(running: boolean): void {
    if (running === this.there) return
    this.there = running
    for (const one of [...this.audience]) one.ran?.(running)
  }

  private fail(reason: string): void {
    const message = `The desktop does not run: ${reason}`.slice(0, 1000)
    this.up.reject(new Error(message))
    this.starting = null
    for (const one of [...this.audience]) one.failed?.(message)
    this.stop()
    this.over = false
    setTimeout(() => {
      if (this.audience.size > 0 && !this.over) this.start().catch((error) => this.log.warn('no desktop', { reason: reasonOf(error) }))
    }, againMs).unref()
  }

  /** A capture that begins knows nothing of what was asked for. */
  private direct(): void {
    if (this.rate !== null) this.setRate(this.rate)
    if (this.telling > 0) this.capture.send(encodeTellChanges(true))
    this.capture.send(encodeRun(this.watching))
  }

  /** It runs as the agent's user: what it says may be anything. */
  private captured(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes[0] === sizeType) return void this.sized(bytes)
    const message = bytes[0] === changedType ? null : decodeCaptured(bytes)
    if (message?.type === 'refused') return void this.log.warn('helix-capture says what is not understood', { reason: message.text })
    if (message?.type === 'still') return void this.stills.received(message.requestId, bytes)
    if (message?.type === 'status') return void this.described(message.bytes)
    if (message?.type === 'frame') this.sequence = message.sequence
    if (message === null || message.type === 'frame') for (const one of [...this.audience]) one.changed?.()
    if (message !== null) this.tell(bytes)
  }

  private sized(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength < 6) return
    const view = new DataView(bytes.buffer)
    this.size = { width: view.getUint16(2), height: view.getUint16(4) }
    this.ran(true)
  }

  private described(status: Uint8Array): void {
    const screen = screenOf(status)
    if (screen === null) return void this.log.warn('helix-capture describes no screen')
    this.screen = screen
    for (const one of [...this.audience]) one.screen?.(screen)
  }

  private tell(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes[0] === messageType.captureStatus) return
    for (const one of [...this.audience]) one.message?.(bytes)
  }
}
