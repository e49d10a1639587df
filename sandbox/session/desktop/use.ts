import { decodeDown, type StreamDown } from '@helix/contract/stream-down'
import { encodeClipboard } from '@helix/contract/stream-down-encode'
import { encodeKey, encodePointer, encodeText, encodeWheel } from '@helix/contract/stream-up'
import type { DesktopWindow, Picture } from '../hands/desktop.ts'
import { run, spawnApart } from '../run.ts'
import type { StillWish } from './commands.ts'
import type { Desktop } from './desktop.ts'
import type { DesktopLink } from './link.ts'
import { windowsIn } from './windows.ts'

const notch = 120
const deadlineMs = 5000

/** What programs of the supervisor do with the desktop; everything but `start` is asked only after it. */
export class DesktopUse {
  private readonly desktop: Desktop
  private readonly link: Pick<DesktopLink, 'say'>
  private changedAt = performance.now()

  constructor(desktop: Desktop, link: Pick<DesktopLink, 'say'>) {
    this.desktop = desktop
    this.link = link
    desktop.attend({ changed: () => (this.changedAt = performance.now()) })
  }

  /** Starts it where it does not run. Rejects with a sentence: why there is none. */
  async start(): Promise<void> {
    await this.desktop.start()
  }

  /** Units: pixels of the screen. */
  get size(): { width: number; height: number } {
    return this.desktop.size
  }

  /** Of the newest frame; null: there was none, for nobody watched. */
  get sequence(): number | null {
    return this.desktop.sequence
  }

  /** The person who drives; null: nobody does. */
  get driver(): { name: string; pausesAgent: boolean } | null {
    const { holder, pausesAgent } = this.desktop.lease
    return holder === null ? null : { name: holder.name, pausesAgent }
  }

  /** Calls back whenever who drives changes; the answer ends that. */
  onDriver(changed: () => void): () => void {
    return this.desktop.attend({ driver: changed })
  }

  /** The picture keeps its proportions. */
  async picture(wanted: StillWish): Promise<Picture> {
    const bytes = await this.desktop.stills.take(wanted)
    const still: StreamDown | null = bytes === null ? null : (decodeDown(bytes) as StreamDown)
    if (still?.type !== 'still') throw new Error('There is no picture of the desktop now: it is being started again. Try once more.')
    const { jpeg, width, height, sequence, capturedUs } = still
    return { jpeg, width, height, sequence, capturedUs }
  }

  /** `buttons`: bits: 1 left, 2 middle, 4 right. */
  pointer({ x, y }: { x: number; y: number }, buttons: number): void {
    this.desktop.input.send(encodePointer({ x, y, buttons, relative: false }))
  }

  /** Units: notches; right and down are positive. */
  wheel(right: number, down: number): void {
    this.desktop.input.send(encodeWheel({ dx: right * notch, dy: down * notch }))
  }

  key(keysym: number, down: boolean): void {
    this.desktop.input.send(encodeKey({ keysym, down }))
  }

  /** Without control characters. */
  text(text: string): void {
    // A message holds 4 KiB, a character at most four bytes.
    const characters = [...text]
    for (let at = 0; at < characters.length; at += 1000)
      this.desktop.input.send(encodeText({ bytes: new TextEncoder().encode(characters.slice(at, at + 1000).join('')) }))
  }

  async windows(): Promise<DesktopWindow[]> {
    const [listed, active] = await Promise.all([this.ask('wmctrl', '-lGpx'), this.ask('xdotool', 'getactivewindow').catch(() => '')])
    return windowsIn(listed, Number(active))
  }

  async focus(id: number): Promise<void> {
    await this.ask('wmctrl', '-i', '-a', `0x${id.toString(16)}`)
  }

  async close(id: number): Promise<void> {
    await this.ask('wmctrl', '-i', '-c', `0x${id.toString(16)}`)
  }

  /** Null: it holds no text. */
  async clipboard(): Promise<string | null> {
    const held = await this.desktop.clipboard()
    return held === null || held.kind !== 'text' ? null : new TextDecoder().decode(held.bytes)
  }

  setClipboard(text: string): void {
    this.desktop.input.send(encodeClipboard({ kind: 'text', bytes: new TextEncoder().encode(text) }))
  }

  /** In the browser of the session. */
  async open(url: string): Promise<void> {
    const { place, env } = this.desktop
    await spawnApart(place.user, 'helix-browser', [url], { cwd: place.cwd, env })
  }

  /** Units: milliseconds since the screen changed, or since it is looked at. */
  quietMs(): number {
    return performance.now() - this.changedAt
  }

  /** Changes are told from now on; the answer ends that. */
  watchChanges(): () => void {
    this.changedAt = performance.now()
    return this.desktop.tellChanges()
  }

  /** Viewers see it as it happens. */
  acted({ action, place }: { action: string; place: { x: number; y: number } | null }): void {
    this.link.say({ type: 'agentAction', action, x: place?.x ?? null, y: place?.y ?? null, sequence: this.desktop.sequence })
  }

  private async ask(command: string, ...args: string[]): Promise<string> {
    const { place, env } = this.desktop
    const said = await run(place.user, command, args, { cwd: '/', env, timeoutMs: deadlineMs })
    if (said.code !== 0)
      throw new Error(`The windows cannot be asked for: ${said.stderr.trim() || `${command} ended with code ${said.code}`}`)
    return said.stdout
  }
}
