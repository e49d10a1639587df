import { z } from 'zod'
import { idSchema } from './ids.ts'

/**
 * Small pictures of desktops for pages with many of them: one WebSocket for a whole page (`desktopPicturesPath`, with the caller’s cookie or API key).
 * The page says which sessions it shows; what changed comes as binary `still` messages of the stream protocol whose `requestId` is the page’s own number
 * of the session. A host and its control plane say the same over the host’s link, with numbers of the control plane’s.
 */
export const desktopPicturesPath = '/api/v1/desktop-pictures'

export const pictureLimits = {
  /** Sessions on one connection; of one host. */
  tiles: 200,
  /** Units: pixels. */
  width: 320,
  height: 200,
  /** Units: bytes of one picture. */
  bytes: 48 * 1024,
  /** Units: milliseconds between two pictures of one session. */
  everyMs: 2000,
  /** Units: milliseconds that a host goes on without hearing that somebody still watches. */
  leaseMs: 60_000,
} as const

const number = z.number().int().min(1).max(0xffff_ffff)

/** What a page says: the whole list, each time it changes. */
export const picturesUp = z.object({
  type: z.literal('watch'),
  items: z.array(z.object({ n: number, sessionId: idSchema('session') })).max(pictureLimits.tiles),
})
export type PicturesUp = z.infer<typeof picturesUp>

/**
 * `live`: pictures come when something changes. `off`: the desktop does not run, and is not started for a picture. `none`: there are no pictures of it: no
 * machine, a host of an older version, or nothing that the caller may see.
 */
export const pictureState = z.enum(['live', 'off', 'none'])
export type PictureState = z.infer<typeof pictureState>

export const picturesDown = z.object({ type: z.literal('state'), n: number, state: pictureState })
export type PicturesDown = z.infer<typeof picturesDown>

/** What a control plane says to a host: the whole list, again before the lease ends; an empty one ends all. */
export const watchPictures = z.object({
  type: z.literal('watchPictures'),
  items: z.array(z.object({ n: number, sessionId: idSchema('session'), epoch: z.number().int() })).max(pictureLimits.tiles),
})
export type WatchPictures = z.infer<typeof watchPictures>

/** A host’s answer beside pictures. */
export const pictureTold = z.object({ type: z.literal('pictureState'), n: number, state: pictureState })
