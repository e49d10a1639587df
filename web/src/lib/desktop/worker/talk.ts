import type { Clipboard, CursorMove, CursorShape } from '@helix/contract/stream-down'

/** What the page asks of the worker that holds the connection and paints. */
export type ToWorker =
  | { type: 'canvas'; canvas: OffscreenCanvas }
  /** The first of several attempts to open wins; the others are given up. */
  | { type: 'dial'; attempt: number; url: string; ticket: string }
  | { type: 'send'; data: Uint8Array<ArrayBuffer> | string }
  | { type: 'hangUp' }
  /** A tab that nobody sees decodes nothing. */
  | { type: 'visible'; visible: boolean }
  | { type: 'figures'; on: boolean }
  | { type: 'audio'; on: boolean }

/** What was measured in the last second. Null: not known yet. */
export interface Figures {
  fps: number
  kbps: number
  /** Units: milliseconds, the middle of those of the second. */
  decodeMs: number | null
  glassMs: number | null
  rttMs: number | null
  /** Frames that came and were not shown, since the connection began. */
  dropped: number
  decoderErrors: number
  refused: number
  hardware: boolean
}

/** `stills`: this browser decodes no H.264, or its decoder failed too often. */
export type Decoding = 'video' | 'stills'

/** What the worker tells the page. */
export type FromWorker =
  | { type: 'ready'; decoding: Decoding; audio: boolean }
  | { type: 'opened'; attempt: number }
  | { type: 'failed'; attempt: number; code: number }
  | { type: 'closed'; code: number }
  /** A JSON message as it came. */
  | { type: 'talk'; text: string }
  | { type: 'painted'; width: number; height: number }
  | { type: 'decoding'; decoding: Decoding }
  | { type: 'figures'; figures: Figures }
  | { type: 'sound'; left: Float32Array<ArrayBuffer>; right: Float32Array<ArrayBuffer> }
  | CursorShape
  | CursorMove
  | Clipboard
