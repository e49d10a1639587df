import { encodePointer, encodeWheel } from '@helix/contract/stream-up'
import { type Extent, type Point, toScreen, WheelSteps, wireButtons } from './geometry.ts'
import { holdMs, type TouchAct, Touches } from './touches.ts'

/** Units: milliseconds between two points of who only looks. */
const lookingEveryMs = 100

interface Wired {
  screen: () => Extent | null
  drives: () => boolean
  send: (data: Uint8Array<ArrayBuffer>) => void
  /** Somebody who does not drive clicked. */
  clicked: () => void
  before: (event: PointerEvent | WheelEvent) => void
}

/** Mouse, pen and fingers over the picture, as the desktop's pointer. */
export class PointerInput {
  private readonly picture: HTMLElement
  private readonly wired: Wired
  private readonly listening = new AbortController()
  private readonly wheel = new WheelSteps()
  private readonly touches = new Touches()
  private hold: ReturnType<typeof setTimeout> | undefined
  private buttons = 0
  private last: Point = { x: 0, y: 0 }
  private lookedAt = 0

  constructor(picture: HTMLElement, wired: Wired) {
    this.picture = picture
    this.wired = wired
    this.listen('pointerdown', (event) => this.down(event))
    this.listen('pointermove', (event) => this.moved(event))
    this.listen('pointerup', (event) => this.up(event))
    this.listen('pointercancel', (event) => this.cancelled(event))
    this.listen('lostpointercapture', (event) => event.pointerType !== 'touch' && this.release())
    this.listen('wheel', (event) => this.wheeled(event))
    this.listen('click', () => wired.drives() || wired.clicked())
    this.listen('contextmenu', (event) => event.preventDefault())
  }

  /** Only how far the mouse goes counts, as games want it; the browser gives it back on Escape. */
  async lock(): Promise<void> {
    await this.picture.requestPointerLock()
  }

  release(): void {
    if (this.buttons !== 0) this.send(this.last, 0)
  }

  close(): void {
    clearTimeout(this.hold)
    this.release()
    this.listening.abort()
  }

  private listen<K extends keyof HTMLElementEventMap>(type: K, run: (event: HTMLElementEventMap[K]) => void): void {
    this.picture.addEventListener(type, run as (event: Event) => void, { signal: this.listening.signal, passive: false })
  }

  private get locked(): boolean {
    return document.pointerLockElement === this.picture
  }

  private at(point: Point): Point {
    const screen = this.wired.screen()
    return screen === null ? this.last : toScreen(point, this.picture.getBoundingClientRect(), screen)
  }

  private send(at: Point, buttons: number, relative = false): void {
    if (!relative) this.last = at
    this.buttons = buttons
    this.wired.send(encodePointer({ ...at, buttons, relative }))
  }

  /** Where who only looks points is shown to the others. */
  private look(point: Point): void {
    const now = performance.now()
    if (now - this.lookedAt < lookingEveryMs) return
    this.lookedAt = now
    this.send(this.at(point), 0)
  }

  private down(event: PointerEvent): void {
    this.wired.before(event)
    if (!this.wired.drives()) return
    event.preventDefault()
    if (event.pointerType === 'touch') {
      clearTimeout(this.hold)
      this.hold = setTimeout(() => this.act(this.touches.held()), holdMs)
      this.act(this.touches.down(event.pointerId, { x: event.clientX, y: event.clientY }))
      return
    }
    if (!this.locked) this.picture.setPointerCapture(event.pointerId)
    this.pressed(event)
  }

  /** Buttons beyond the first arrive as moves. */
  private moved(event: PointerEvent): void {
    const point = { x: event.clientX, y: event.clientY }
    this.wired.before(event)
    if (!this.wired.drives()) this.look(point)
    else if (event.pointerType === 'touch') this.act(this.touches.move(event.pointerId, point))
    else if (this.locked) this.send({ x: event.movementX, y: event.movementY }, wireButtons(event.buttons), true)
    else this.pressed(event)
  }

  private up(event: PointerEvent): void {
    if (event.pointerType === 'touch') {
      clearTimeout(this.hold)
      this.act(this.touches.up(event.pointerId))
    } else if (this.wired.drives()) this.pressed(event)
  }

  private cancelled(event: PointerEvent): void {
    clearTimeout(this.hold)
    if (event.pointerType === 'touch') this.act(this.touches.cancel())
    else this.release()
  }

  private pressed(event: PointerEvent): void {
    if (this.locked) this.send({ x: 0, y: 0 }, wireButtons(event.buttons), true)
    else this.send(this.at({ x: event.clientX, y: event.clientY }), wireButtons(event.buttons))
  }

  private wheeled(event: WheelEvent): void {
    if (!this.wired.drives()) return
    event.preventDefault()
    this.wired.before(event)
    this.scroll(this.wheel.take(event))
  }

  private scroll({ x, y }: Point): void {
    if (x !== 0 || y !== 0) this.wired.send(encodeWheel({ dx: x, dy: y }))
  }

  private act(acts: TouchAct[]): void {
    if (!this.wired.drives()) return
    for (const act of acts) {
      if (act.kind === 'pointer') this.send(this.at(act.at), act.buttons)
      else this.scroll(this.wheel.take({ deltaX: act.dx, deltaY: act.dy, deltaMode: 0 }))
    }
  }
}
