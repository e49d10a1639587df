import { expect, test } from 'vitest'
import { closeOf, messageType, streamClose, streamLimits, streamProtocols, ticketAmong } from './stream.ts'
import { decodeCaptured, encodeKeyframe, encodeRate, encodeRun, encodeStillRequest, LengthReader, withLength } from './stream-capture.ts'
import { decodeDown } from './stream-down.ts'
import {
  encodeAudio,
  encodeClipboard,
  encodeCursorMove,
  encodeCursorShape,
  encodeFrame,
  encodePong,
  encodeStill,
} from './stream-down-encode.ts'
import { decodeUp, encodeAck, encodeKey, encodePing, encodePointer, encodeText, encodeWheel } from './stream-up.ts'

const bytes = Uint8Array.from([0, 0, 0, 1, 0x65, 9])
const at = 1_795_676_400_123_456
const frame = { key: true, refinement: false, width: 1920, height: 1080, sequence: 4_000_000_000, capturedUs: at, unit: bytes }

test('what is encoded towards viewers is decoded as the same', () => {
  const shape = { hidden: false, width: 2, height: 1, hotX: -1, hotY: 1, serial: 7, pixels: new Uint8Array(8).fill(3) }
  const cases: [Uint8Array, object][] = [
    [encodeFrame(frame), { type: 'frame', ...frame }],
    [encodeFrame({ ...frame, key: false, refinement: true }), { type: 'frame', ...frame, key: false, refinement: true }],
    [encodeCursorShape(shape), { type: 'cursorShape', ...shape }],
    [
      encodeCursorShape({ ...shape, hidden: true, pixels: new Uint8Array() }),
      { type: 'cursorShape', ...shape, hidden: true, pixels: new Uint8Array() },
    ],
    [encodeCursorMove({ x: -5, y: 99_999 }), { type: 'cursorMove', x: -5, y: 32_767 }],
    [encodeAudio({ sequence: 1, capturedUs: at, packet: bytes }), { type: 'audio', sequence: 1, capturedUs: at, packet: bytes }],
    [encodeClipboard({ kind: 'png', bytes }), { type: 'clipboard', kind: 'png', bytes }],
    [encodeClipboard({ kind: 'text', bytes: new Uint8Array() }), { type: 'clipboard', kind: 'text', bytes: new Uint8Array() }],
    [
      encodeStill({ width: 4, height: 3, sequence: 2, capturedUs: at, requestId: 9, jpeg: bytes }),
      { type: 'still', width: 4, height: 3, sequence: 2, capturedUs: at, requestId: 9, jpeg: bytes },
    ],
    [encodePong({ clientUs: 5, serverUs: at }), { type: 'pong', clientUs: 5, serverUs: at }],
  ]
  for (const [encoded, message] of cases) expect(decodeDown(encoded)).toEqual(message)
})

test('what viewers encode is decoded as the same', () => {
  const cases: [Uint8Array, object][] = [
    [encodeAck({ sequence: 7, decodeUs: 1234.4 }), { type: 'ack', sequence: 7, decodeUs: 1234 }],
    [encodePointer({ x: 3, y: -4, buttons: 5, relative: true }), { type: 'pointer', x: 3, y: -4, buttons: 5, relative: true }],
    [encodeWheel({ dx: 0, dy: -120 }), { type: 'wheel', dx: 0, dy: -120 }],
    [encodeKey({ keysym: 0xffe1, down: true }), { type: 'key', keysym: 0xffe1, down: true }],
    [encodeKey({ keysym: 0x0100_1f600, down: false }), { type: 'key', keysym: 0x0100_1f600, down: false }],
    [encodeText({ bytes }), { type: 'text', bytes }],
    [encodeClipboard({ kind: 'text', bytes }), { type: 'clipboard', kind: 'text', bytes }],
    [encodePing({ clientUs: at }), { type: 'ping', clientUs: at }],
  ]
  for (const [encoded, message] of cases) expect(decodeUp(encoded)).toEqual(message)
})

test('the layout is what docs/stream-protocol.md says, byte by byte', () => {
  const hex = (message: Uint8Array) => [...message].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  expect(hex(encodeFrame({ ...frame, sequence: 258, refinement: true, unit: bytes.subarray(0, 2) }))).toBe(
    '0103' + '0780' + '0438' + '00000102' + '000661287df5fe40' + '0000',
  )
  expect(hex(encodeAck({ sequence: 1, decodeUs: 2 }))).toBe('2000' + '00000001' + '00000002')
  expect(hex(encodePointer({ x: -1, y: 2, buttons: 3, relative: false }))).toBe('2100' + 'ffff' + '0002' + '03')
  expect(hex(encodeKeyframe())).toBe('4000')
  expect(hex(encodeRate({ kbps: 8000, fps: 60, scalePercent: 75, crf: 23 }))).toBe('4100' + '00001f40' + '003c' + '004b' + '17')
  expect(hex(encodeStillRequest({ requestId: 1, maxWidth: 320, maxHeight: 180, quality: 70 }))).toBe(
    '4200' + '00000001' + '0140' + '00b4' + '46',
  )
  expect(hex(encodeRun(true))).toBe('4300' + '01')
})

test('a picture is a view of the bytes it came in', () => {
  const padded = new Uint8Array(200)
  padded.set(encodeFrame(frame), 50)
  const decoded = decodeDown(padded.subarray(50, 50 + 18 + bytes.byteLength))
  expect(decoded.type === 'frame' && decoded.unit.buffer === padded.buffer).toBe(true)
  expect(decoded).toEqual({ type: 'frame', ...frame })
})

test.each([
  ['nothing', [], 'too_short'],
  ['a type alone', [1], 'too_short'],
  ['a type nobody knows', [200, 0, 1, 2], 'unknown_type'],
  ['a frame without a picture', [1, 1, ...new Array(16).fill(1)], 'too_short'],
  ['a frame of no width', [1, 1, 0, 0, ...new Array(15).fill(1)], 'bad_value'],
  ['a cursor that is too large', [2, 0, 1, 1, 0, 1, ...new Array(8).fill(0)], 'bad_value'],
  ['a cursor with too few pixels', [2, 0, 0, 2, 0, 2, ...new Array(8).fill(0), 1], 'bad_value'],
  ['a hidden cursor with pixels', [2, 1, 0, 1, 0, 1, ...new Array(8).fill(0), 1, 1, 1, 1], 'bad_value'],
  ['a move with more', [3, 0, 0, 0, 0, 0, 0], 'too_long'],
  ['a clipboard of an unknown kind', [5, 0, 2], 'bad_value'],
])('%s is refused towards viewers', (_, message, code) => {
  expect(decodeDown(Uint8Array.from(message))).toMatchObject({ type: 'refused', code })
})

test('what is too long is refused before it is looked at', () => {
  const long = new Uint8Array(streamLimits.upBytes + 1)
  for (const type of Object.values(messageType)) {
    long[0] = type
    expect(decodeUp(long).type).toBe('refused')
  }
  expect(decodeUp(encodeText({ bytes: new Uint8Array(streamLimits.textBytes + 1) }))).toMatchObject({ code: 'too_long' })
})

test('a program’s messages are found wherever its writes are cut', () => {
  const messages = [encodeFrame(frame), encodeCursorMove({ x: 1, y: 2 }), Uint8Array.from([80, 0, 123, 125]), Uint8Array.from([81, 0])]
  const whole = Uint8Array.from(messages.flatMap((message) => [...withLength(message)]))
  for (const size of [1, 2, 3, 5, 7, 1000]) {
    const reader = new LengthReader()
    const found: unknown[] = []
    for (let from = 0; from < whole.byteLength; from += size) found.push(...reader.read(whole.subarray(from, from + size)))
    expect(found).toEqual(messages)
  }
  expect(messages.map((message) => decodeCaptured(message).type)).toEqual(['frame', 'cursorMove', 'status', 'log'])
})

test('a length over the limit ends the reading, once', () => {
  const reader = new LengthReader(100)
  expect([...reader.read(Uint8Array.from([0, 0, 0, 101, 1, 1]))]).toMatchObject([{ type: 'refused', code: 'too_long' }])
  expect([...reader.read(Uint8Array.from([0, 0, 0, 2, 64, 0]))]).toEqual([])
})

test('a ticket travels as a subprotocol, and closes have names', () => {
  expect(ticketAmong(streamProtocols('v1.a.b'))).toBe('v1.a.b')
  expect(ticketAmong(['helix.stream.1'])).toBeNull()
  expect(closeOf(streamClose.session_suspended)).toBe('session_suspended')
  expect(closeOf(1006)).toBeNull()
})
