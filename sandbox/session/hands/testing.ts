import type { Desktop, DesktopWindow, Driver, Picture, Place } from './desktop.ts'

/** A desktop that writes down what is done to it. */
export class PaperDesktop implements Desktop {
  readonly done: string[] = []
  readonly asked: Parameters<Desktop['picture']>[0][] = []
  readonly size = { width: 1920, height: 1080 }
  sequence: number | null = 7
  driver: Driver | null = null
  failure: string | null = null
  all: DesktopWindow[] = []
  held: string | null = null
  stillForMs = 1000
  watching = 0
  /** Units: bytes of a picture, by its width and quality. */
  bytesOf = (_width: number, _quality: number): number => 1000
  private readonly listeners = new Set<() => void>()

  async start(): Promise<void> {
    if (this.failure !== null) throw new Error(this.failure)
  }

  drives(driver: Driver | null): void {
    this.driver = driver
    for (const listener of [...this.listeners]) listener()
  }

  onDriver(changed: () => void): () => void {
    this.listeners.add(changed)
    return () => this.listeners.delete(changed)
  }

  async picture(wanted: Parameters<Desktop['picture']>[0]): Promise<Picture> {
    this.asked.push(wanted)
    const jpeg = Buffer.alloc(this.bytesOf(wanted.maxWidth, wanted.quality), 1)
    jpeg.set([0xff, 0xd8, 0xff])
    return { jpeg, width: wanted.maxWidth, height: wanted.maxHeight, sequence: 8, capturedUs: 1_000_000 }
  }

  pointer({ x, y }: Place, buttons: number): void {
    this.done.push(`pointer ${x},${y} ${buttons}`)
  }

  wheel(right: number, down: number): void {
    this.done.push(`wheel ${right},${down}`)
  }

  key(keysym: number, down: boolean): void {
    this.done.push(`key ${keysym.toString(16)} ${down ? 'down' : 'up'}`)
  }

  text(text: string): void {
    this.done.push(`text ${text}`)
  }

  async windows(): Promise<DesktopWindow[]> {
    return this.all
  }

  async focus(id: number): Promise<void> {
    this.done.push(`focus ${id}`)
  }

  async close(id: number): Promise<void> {
    this.done.push(`close ${id}`)
  }

  async clipboard(): Promise<string | null> {
    return this.held
  }

  setClipboard(text: string): void {
    this.held = text
  }

  async open(url: string): Promise<void> {
    this.done.push(`open ${url}`)
  }

  quietMs(): number {
    return this.stillForMs
  }

  watchChanges(): () => void {
    this.watching += 1
    return () => {
      this.watching -= 1
    }
  }

  acted({ action }: { action: string; place: Place | null }): void {
    this.done.push(`acted ${action}`)
  }
}
