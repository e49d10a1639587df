import { z } from 'zod'

const coordinate = z.number().int().min(-32_768).max(32_767)

/** What an agent did to the desktop of its session, so that conversation, picture and recording line up. */
export const desktopAction = z.object({
  /** The tool: `screenshot`, `click` … */
  action: z.string().max(40),
  /** Where on the screen, if it has a place. */
  x: coordinate.nullable().default(null),
  y: coordinate.nullable().default(null),
  /** The newest frame when it was done; of a screenshot the frame that it shows. Null: none was captured yet. */
  sequence: z.number().int().min(0).max(0xffff_ffff).nullable().default(null),
  /** Units: unix microseconds, by the clock that frames have. */
  atUs: z.number().int().min(0),
})
export type DesktopAction = z.infer<typeof desktopAction>
