import { readFileSync } from 'node:fs'
import type { Frame } from '@helix/contract/stream-down'

/** Eight real pictures of 320x180, the first and the fifth key frames: the clip that the pages' tests play. */
const stream = readFileSync(new URL('../../../web/tests/pages/desktop.h264', import.meta.url))

/** Access units begin at their delimiter. */
const delimiter = Buffer.from([0, 0, 0, 1, 9])
const starts: number[] = []
for (let at = stream.indexOf(delimiter); at !== -1; at = stream.indexOf(delimiter, at + 1)) starts.push(at)
const units = starts.map((start, index) => stream.subarray(start, starts[index + 1]))

export const clipStartUs = 1_800_000_000_000_000

/** The clip again and again; `everyUs` between pictures. */
export const pictureOf = (sequence: number, capturedUs: number): Frame => ({
  type: 'frame',
  key: sequence % 4 === 0,
  refinement: false,
  width: 320,
  height: 180,
  sequence,
  capturedUs,
  unit: units[sequence % units.length] ?? new Uint8Array(),
})
