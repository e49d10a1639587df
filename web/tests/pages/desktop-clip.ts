import { readFileSync } from 'node:fs'

/**
 * Eight pictures of one colour each, 320x180, H.264 baseline in Annex B; the first and the fifth are key frames. Made once: raw pictures through
 * `ffmpeg -c:v libx264 -profile:v baseline -level 4.2 -preset ultrafast -tune zerolatency -crf 12` with `keyint=4:aud=1:repeat-headers=1`.
 */
export const colours = ['red', 'green', 'blue', 'yellow', 'magenta', 'cyan', 'white', 'black'] as const
export type Colour = (typeof colours)[number]

const values: Record<Colour, readonly [number, number, number]> = {
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  magenta: [255, 0, 255],
  cyan: [0, 255, 255],
  white: [255, 255, 255],
  black: [0, 0, 0],
}

/** The colour of a pixel; null: none of ours. */
export const colourOf = (pixel: readonly number[]): Colour | null =>
  colours.find((name) => values[name].every((value, channel) => Math.abs(value - (pixel[channel] ?? -99)) < 40)) ?? null

/** Access units begin at their delimiter, a NAL unit of type 9. */
function unitsOf(stream: Uint8Array): Uint8Array[] {
  const starts: number[] = []
  for (let at = 0; at + 4 < stream.length; at++) {
    if (stream[at] === 0 && stream[at + 1] === 0 && stream[at + 2] === 0 && stream[at + 3] === 1 && stream[at + 4] === 9) starts.push(at)
  }
  return starts.map((start, index) => stream.subarray(start, starts[index + 1]))
}

const units = unitsOf(readFileSync(new URL('desktop.h264', import.meta.url)))
if (units.length !== colours.length) throw new Error(`the clip has ${units.length} pictures`)

export const clip = units.map((unit, index) => ({ unit, key: index % 4 === 0, width: 320, height: 180 }))

/** A still picture, blue, 16x16. */
export const blueJpeg = new Uint8Array(
  Buffer.from(
    '/9j/4AAQSkZJRgABAgAAAQABAAD/2wBDAAgUFBcUFxsbGxsbGyAeICEhISAgICAhISEkJCQqKiokJCQhISQkKCgqKi4vLisrKisvLzIyMjw8OTlGRkhWVmf/xABMAAEBAAAAAAAAAAAAAAAAAAAABwEBAQAAAAAAAAAAAAAAAAAABQcQAQAAAAAAAAAAAAAAAAAAAAARAQAAAAAAAAAAAAAAAAAAAAD/wAARCAAQABADASIAAhEAAxEA/9oADAMBAAIRAxEAPwCOAL+Lf//Z',
    'base64',
  ),
)
