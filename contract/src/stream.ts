/**
 * The wire of a desktop, see docs/stream-protocol.md. A binary message is `u8 type | u8 flags | payload`, big-endian, one WebSocket message each;
 * decoding looks at the caller's bytes and copies none of them. A text message is JSON, see stream-talk.ts.
 */
export const streamVersion = 1
/** Subprotocol of the WebSocket between viewer and host. */
export const streamProtocol = `helix.stream.${streamVersion}`
const ticketPrefix = 'helix.ticket.'

/** What a viewer offers as subprotocols: the ticket stays out of the address, and so out of logs. */
export const streamProtocols = (ticket: string): string[] => [streamProtocol, `${ticketPrefix}${ticket}`]

/** Begins what stands in a ticket's place when a viewer comes back, see `pass` of the host's `hello`. */
export const passPrefix = 'pass.'

/** Null: none of the offered subprotocols is a ticket. */
export const ticketAmong = (offered: readonly string[]): string | null =>
  offered.find((name) => name.startsWith(ticketPrefix))?.slice(ticketPrefix.length) ?? null

/** Where a host answers viewers, behind its URL or the control plane's. */
export const streamPath = (hostId: string, sessionId: string): string => `/sandboxes/${hostId}/sessions/${sessionId}/desktop`

/** Of the supervisor's port: the host dials it with the link's secret, and a new connection replaces the old. */
export const desktopPath = '/desktop'

/** Type bytes. Odd ones out are refused as `unknown_type`, which a receiver leaves out of account. */
export const messageType = {
  frame: 1,
  cursorShape: 2,
  cursorMove: 3,
  audio: 4,
  clipboard: 5,
  still: 6,
  pong: 7,
  ack: 32,
  pointer: 33,
  wheel: 34,
  key: 35,
  text: 36,
  ping: 38,
  encodeKeyframe: 64,
  encodeRate: 65,
  encodeStill: 66,
  encodeRun: 67,
  captureStatus: 80,
  captureLog: 81,
} as const

/** Bits of the flags byte, by message. Bits that are not named are left out of account. */
export const flag = { key: 1, refinement: 2, hidden: 1, relative: 1, down: 1 } as const

/** Units: bytes, but where the name says otherwise. */
export const streamLimits = {
  /** Of one binary message towards a viewer. */
  downBytes: 16 * 1024 * 1024,
  clipboardBytes: 4 * 1024 * 1024,
  /** Of one binary message of a viewer: a clipboard with its head. */
  upBytes: 4 * 1024 * 1024 + 3,
  talkBytes: 64 * 1024,
  textBytes: 4096,
  audioBytes: 4096,
  cursorSide: 256,
  /** Pixels. */
  screen: { leastWidth: 320, leastHeight: 200, mostWidth: 3840, mostHeight: 2160 },
} as const

/** Close codes of the WebSocket. Codes below 4000 are the protocol's own: dial again. */
export const streamClose = {
  /** The host’s stream server goes down: dial again with a new ticket. */
  host_stopping: 4000,
  ticket_refused: 4001,
  bad_message: 4002,
  too_large: 4003,
  too_many: 4004,
  /** It took nothing for long. */
  slow: 4005,
  desktop_failed: 4006,
  unsupported: 4007,
  /** The machine was put to rest: resume the session first. */
  session_suspended: 4010,
  session_stopped: 4011,
  /** It goes on elsewhere: ask for a new ticket, which names the host. */
  session_moved: 4012,
} as const
export type StreamClose = keyof typeof streamClose

/** Null: not one of ours. */
export const closeOf = (code: number): StreamClose | null =>
  (Object.keys(streamClose) as StreamClose[]).find((name) => streamClose[name] === code) ?? null

/** Why bytes are not a message. `unknown_type` may be a message of a version to come. */
export interface Refused {
  type: 'refused'
  code: 'too_short' | 'too_long' | 'unknown_type' | 'bad_value'
  /** For logs. */
  text: string
}

export const refused = (code: Refused['code'], text: string): Refused => ({ type: 'refused', code, text })
