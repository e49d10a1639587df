import { z } from 'zod'
import { streamLimits } from './stream.ts'

const { leastWidth, leastHeight, mostWidth, mostHeight } = streamLimits.screen
const widthRule = `use ${leastWidth} to ${mostWidth} pixels`
const heightRule = `use ${leastHeight} to ${mostHeight} pixels`
const scaleRule = 'use 100 to 300 percent, in steps of 25'
const fpsRule = 'use 5 to 60 frames a second'

/** An odd extent is rounded down by the desktop: the encoder halves the colours. */
export const screenSize = z.object({
  width: z.number(widthRule).int(widthRule).min(leastWidth, widthRule).max(mostWidth, widthRule),
  height: z.number(heightRule).int(heightRule).min(leastHeight, heightRule).max(mostHeight, heightRule),
})

/** Settings of a project for the desktops of its sessions. They count from the next start of each. */
export const desktopRules = screenSize.extend({
  /** False: sessions have no desktop, and nothing of it runs. */
  enabled: z.boolean('use true or false'),
  /** Units: percent that text and controls are drawn at. */
  scale: z.number(scaleRule).int(scaleRule).min(100, scaleRule).max(300, scaleRule).multipleOf(25, scaleRule),
  /** Units: frames a second at most; a still screen sends none. */
  fps: z.number(fpsRule).int(fpsRule).min(5, fpsRule).max(60, fpsRule),
})
export type DesktopRules = z.infer<typeof desktopRules>

/** What a project has that says nothing. */
export const plainDesktop: DesktopRules = { enabled: true, width: 1920, height: 1080, scale: 100, fps: 60 }
