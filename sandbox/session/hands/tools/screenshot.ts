import { z } from 'zod'
import type { Desktop, Picture, Region } from '../desktop.ts'
import { defineTool, type Outcome, picture, region } from '../tool.ts'

/** Fits: models see no more of a picture than about this. */
const usual = { width: 1280, height: 960 }
/** Units: bytes of a JPEG. The conversation keeps it whole; see `longestData` of the journal's images. */
export const mostBytes = 235_000
const least = 16

export const screenshot = defineTool({
  name: 'screenshot',
  description:
    'A picture of the desktop as it is now. Tools that take a place understand pixels of this picture, whatever its scale. ' +
    'Small text is read best with a region at scale 100.',
  acts: false,
  schema: z.object({
    scale: z.number().min(5).max(100).optional().describe('Percent of the screen. Left out: so that it fits into 1280 x 960.'),
    region: region.optional().describe('Part to show. Left out: all of the screen.'),
    picture,
    quality: z.number().int().min(20).max(95).default(80).describe('Of the JPEG'),
  }),
  async run({ scale, region: part, picture: of, quality }, { desktop, pictures }): Promise<Outcome> {
    const { size } = desktop
    const shows: Region = part === undefined ? { x: 0, y: 0, ...size } : pictures.regionOf(part, of, size)
    const taken = await take(desktop, shows, scale, quality)
    const number = pictures.add({ region: shows, width: taken.width, height: taken.height })
    const { x, y, width, height } = shows
    const what =
      part === undefined
        ? `the screen of ${width} x ${height}`
        : `${width} x ${height} pixels of the screen from ${x}, ${y}, which has ${size.width} x ${size.height}`
    const frame = taken.sequence === 0 ? '' : ` Frame ${taken.sequence}.`
    return {
      text: `Picture ${number}: ${taken.width} x ${taken.height} pixels, ${what}.${frame} Give places in pixels of this picture.`,
      picture: taken,
    }
  },
})

/** Coarser and smaller until it fits into what may be kept. */
async function take(desktop: Desktop, shows: Region, scale: number | undefined, wanted: number): Promise<Picture> {
  const percent = scale ?? Math.min(100, (usual.width / shows.width) * 100, (usual.height / shows.height) * 100)
  for (let factor = percent / 100, quality = wanted; ; factor *= 0.8, quality = Math.max(40, quality - 15)) {
    const sides = {
      maxWidth: Math.max(least, Math.round(shows.width * factor)),
      maxHeight: Math.max(least, Math.round(shows.height * factor)),
    }
    const whole = shows.x === 0 && shows.y === 0 && shows.width === desktop.size.width && shows.height === desktop.size.height
    const taken = await desktop.picture({ ...sides, quality, ...(whole ? {} : { region: shows }) })
    if (taken.jpeg.byteLength <= mostBytes || sides.maxWidth === least) return taken
  }
}
