import * as down from '@helix/contract/stream-down-encode'
import { encodeFrame, encodeStill } from '@helix/contract/stream-down-encode'
import * as up from '@helix/contract/stream-up'

export type Random = () => number

const int = (random: Random, most: number): number => Math.floor(random() * most)
const bytesOf = (random: Random, most: number): Uint8Array => Uint8Array.from({ length: int(random, most) }, () => int(random, 256))

const downs: ((random: Random) => Uint8Array)[] = [
  (random) => {
    const unit = Uint8Array.from([0, 0, 0, 1, ...bytesOf(random, 60)])
    const flags = { key: random() < 0.3, refinement: random() < 0.2 }
    return encodeFrame({
      ...flags,
      width: 1 + int(random, 4000),
      height: 1 + int(random, 3000),
      sequence: int(random, 2 ** 32),
      capturedUs: 1,
      unit,
    })
  },
  (random) => {
    const [width, height, hidden] = [int(random, 6), int(random, 6), random() < 0.3]
    const pixels = new Uint8Array(hidden ? 0 : width * height * 4)
    return down.encodeCursorShape({ hidden, width, height, hotX: int(random, 9), hotY: 1, serial: int(random, 2 ** 32), pixels })
  },
  (random) => down.encodeCursorMove({ x: int(random, 70_000) - 35_000, y: int(random, 3000) }),
  (random) => down.encodeAudio({ sequence: int(random, 2 ** 32), capturedUs: 5, packet: Uint8Array.from([1, ...bytesOf(random, 40)]) }),
  (random) => down.encodeClipboard({ kind: random() < 0.5 ? 'text' : 'png', bytes: bytesOf(random, 60) }),
  (random) => {
    const jpeg = Uint8Array.from([255, ...bytesOf(random, 40)])
    return encodeStill({ width: int(random, 2000), height: 4, sequence: 1, capturedUs: 1, requestId: int(random, 20), jpeg })
  },
  (random) => down.encodePong({ clientUs: int(random, 2 ** 40), serverUs: 6 }),
]

const ups: ((random: Random) => Uint8Array)[] = [
  (random) => up.encodeAck({ sequence: int(random, 2 ** 32), decodeUs: int(random, 2 ** 32) }),
  (random) =>
    up.encodePointer({ x: int(random, 70_000) - 35_000, y: int(random, 3000), buttons: int(random, 256), relative: random() < 0.3 }),
  (random) => up.encodeWheel({ dx: int(random, 999), dy: -int(random, 999) }),
  (random) => up.encodeKey({ keysym: int(random, 2 ** 32), down: random() < 0.5 }),
  (random) => up.encodeText({ bytes: Uint8Array.from([33, ...bytesOf(random, 40)]) }),
  (random) => down.encodeClipboard({ kind: 'text', bytes: bytesOf(random, 60) }),
  (random) => up.encodePing({ clientUs: int(random, 2 ** 45) }),
]

const pick = <T>(random: Random, all: readonly T[]): T => all[int(random, all.length)] as T

export const saneDown = (random: Random): Uint8Array => pick(random, downs)(random)
export const saneUp = (random: Random): Uint8Array => pick(random, ups)(random)

/** Bits turned, cut short, made longer, another type, or nothing but chance. */
export function spoil(random: Random, sane: Uint8Array): Uint8Array {
  const fate = random()
  if (fate < 0.35) {
    const bytes = sane.slice()
    for (let times = 1 + int(random, 4); times > 0; times -= 1) bytes[int(random, bytes.length)] = int(random, 256)
    return bytes
  }
  if (fate < 0.55) return sane.subarray(0, int(random, sane.length + 1))
  if (fate < 0.7) return Uint8Array.from([...sane, ...bytesOf(random, 30)])
  if (fate < 0.85) return Uint8Array.from([int(random, 256), ...sane.subarray(1)])
  return bytesOf(random, 80)
}

const words = [
  '{"type":"hello","version":1,"capabilities":{"webcodecs":true}}',
  '{"type":"take","force":true}',
  '{"type":"resize","width":1280,"height":720}',
  '{"type":"stills","on":true,"everyMs":100}',
  '{"type":"screen","codec":"avc1.42c02a","encoder":"x","width":1280,"height":720,"scale":100,"paced":true}',
  '{"type":"rate","kbps":800,"fps":60,"scale":100,"crf":23}',
  '{"type":"viewers","items":[{"id":"a","name":"b","controls":true,"x":1,"y":null,"you":false}]}',
  '{"type":"error","code":"slow","message":"m"}',
]

/** JSON that is nearly a message. */
export function spoiltWord(random: Random): string {
  const word = pick(random, words)
  const fate = random()
  if (fate < 0.2) return word
  const at = int(random, word.length)
  if (fate < 0.5) return word.slice(0, at) + String.fromCharCode(32 + int(random, 900)) + word.slice(at + 1)
  if (fate < 0.7) return word.slice(0, at)
  if (fate < 0.85) return word.replace(/\d+/, () => pick(random, ['-1', '1e99', '0.5', '"7"', 'null', '99999999999', '[]']))
  return pick(random, ['null', '[]', '7', '""', '{}', '{"type":{}}', '{"__proto__":{"type":"give"}}', '[[[[[[', '{"type":"constructor"}'])
}
