/** Units: pixels of the screen. */
export interface Place {
  x: number
  y: number
}

export interface Region extends Place {
  width: number
  height: number
}

export interface Picture {
  jpeg: Uint8Array
  width: number
  height: number
  /** Of the newest frame. */
  sequence: number
  /** Units: unix microseconds. */
  capturedUs: number
}

export interface DesktopWindow {
  /** As X names it. */
  id: number
  title: string
  program: string
  region: Region
  focused: boolean
}

/** A person who drives. */
export interface Driver {
  name: string
  /** They asked that the agent waits meanwhile. */
  pausesAgent: boolean
}

/** What the agent's tools need of the desktop; everything but `start` is asked only after it. */
export interface Desktop {
  /** Starts it where it does not run. Rejects with a sentence: why there is none. */
  start(): Promise<void>
  readonly size: { width: number; height: number }
  /** Of the newest frame; null: there was none. */
  readonly sequence: number | null
  readonly driver: Driver | null
  /** Calls back whenever who drives changes; the answer ends that. */
  onDriver(changed: () => void): () => void
  /** `region`: absent: all of the screen. The picture keeps its proportions. */
  picture(wanted: { maxWidth: number; maxHeight: number; quality: number; region?: Region }): Promise<Picture>
  /** `buttons`: bits: 1 left, 2 middle, 4 right. */
  pointer(place: Place, buttons: number): void
  /** Units: notches; right and down are positive. */
  wheel(right: number, down: number): void
  key(keysym: number, down: boolean): void
  /** Without control characters. */
  text(text: string): void
  windows(): Promise<DesktopWindow[]>
  focus(id: number): Promise<void>
  close(id: number): Promise<void>
  /** Null: it holds no text. */
  clipboard(): Promise<string | null>
  setClipboard(text: string): void
  /** In the browser of the session. */
  open(url: string): Promise<void>
  /** Units: milliseconds since the screen changed, or since it is looked at. */
  quietMs(): number
  /** Changes are told from now on; the answer ends that. */
  watchChanges(): () => void
  /** Viewers see it as it happens. */
  acted(action: { action: string; place: Place | null }): void
}
