import { desktopDown, desktopUp } from '@helix/contract/desktop-link'
import { decodeCaptured, LengthReader, withLength } from '@helix/contract/stream-capture'
import { decodeDown } from '@helix/contract/stream-down'
import { readTalk, viewerDown, viewerUp } from '@helix/contract/stream-talk'
import { decodeUp } from '@helix/contract/stream-up'
import { type Random, saneDown, saneUp, spoil, spoiltWord } from './nonsense.ts'

export interface Decoded {
  messages: number
  refused: number
}

const schemas = [viewerUp, viewerDown, desktopUp, desktopDown] as const

/** A message that is one must lie wholly in its bytes. */
function holds(bytes: Uint8Array, message: object): boolean {
  return Object.values(message).every(
    (value) =>
      !(value instanceof Uint8Array) ||
      (value.buffer === bytes.buffer && value.byteOffset >= bytes.byteOffset && value.byteLength <= bytes.byteLength),
  )
}

/** Every decoder, both ways; throws at the first message that makes one throw or reach beyond its bytes. */
export function fuzzDecoders(random: Random, count: number): Decoded {
  let refused = 0
  const reader = { now: new LengthReader(4096) }
  for (let index = 0; index < count; index += 1) {
    const turn = index % 8
    if (turn === 7) {
      const schema = schemas[index % schemas.length] ?? viewerUp
      if (readTalk(schema as typeof viewerUp, spoiltWord(random)).type === 'refused') refused += 1
      continue
    }
    const down = turn < 4
    const sane = down ? saneDown(random) : saneUp(random)
    const bytes = random() < 0.1 ? sane : spoil(random, sane)
    const message = turn === 3 ? decodeCaptured(bytes) : down ? decodeDown(bytes) : decodeUp(bytes)
    if (message.type === 'refused') refused += 1
    else if (!holds(bytes, message)) throw new Error(`a message reaches beyond its bytes: ${Buffer.from(bytes).toString('hex')}`)
    if (turn === 6) refused += fuzzLengths(random, reader, bytes)
  }
  return { messages: count, refused }
}

/** As a program’s output comes: cut anywhere, and sometimes with a length that is none. */
function fuzzLengths(random: Random, reader: { now: LengthReader }, bytes: Uint8Array): number {
  const whole = random() < 0.01 ? spoil(random, withLength(bytes)) : withLength(bytes)
  let refused = 0
  for (let at = 0; at < whole.byteLength; ) {
    const next = at + 1 + Math.floor(random() * 40)
    for (const message of reader.now.read(whole.subarray(at, next))) if (!(message instanceof Uint8Array)) refused += 1
    at = next
  }
  if (refused > 0) reader.now = new LengthReader(4096)
  return refused
}
