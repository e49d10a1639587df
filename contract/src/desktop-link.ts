import { z } from 'zod'
import { screenSize } from './desktop.ts'
import { agentAction } from './stream-talk.ts'

/**
 * The JSON messages at `desktopPath`, between a host and the supervisor of a session, beside the binary ones of the wire. A session without a desktop
 * answers the dial with 409 and a sentence.
 */
const count = z.number().int().min(0).max(0xffff_ffff)

export const desktopDown = z.discriminatedUnion('type', [
  /** How many look at frames now; 0: the capture may rest. Sent first. */
  z.object({ type: z.literal('viewers'), count }),
  z.object({ type: z.literal('keyframe') }),
  /** What the encoder may use at most. `scale`: percent of the screen; `crf`: of x264. */
  z.object({
    type: z.literal('rate'),
    kbps: z.number().int().min(50).max(200_000),
    fps: z.number().int().min(1).max(60),
    scale: z.number().int().min(10).max(100),
    crf: z.number().int().min(0).max(51),
  }),
  /** A person drives, or nobody. `pausesAgent`: the agent’s own hands are refused meanwhile. */
  z.object({
    type: z.literal('lease'),
    holder: z.object({ id: z.string(), name: z.string() }).nullable(),
    pausesAgent: z.boolean(),
  }),
  z.object({ type: z.literal('resize'), ...screenSize.shape }),
  z.object({ type: z.literal('theme'), dark: z.boolean() }),
  z.object({ type: z.literal('audio'), on: z.boolean() }),
  /** One JPEG that fits, answered by a binary `still` with the same id. */
  z.object({
    type: z.literal('still'),
    requestId: count,
    maxWidth: z.number().int().min(16).max(3840),
    maxHeight: z.number().int().min(16).max(2160),
    quality: z.number().int().min(1).max(100),
  }),
])
export type DesktopDown = z.infer<typeof desktopDown>

export const desktopUp = z.discriminatedUnion('type', [
  /** The desktop is there, or its size or encoder changed; before any frame that needs it. */
  z.object({
    type: z.literal('screen'),
    codec: z.string().max(100),
    encoder: z.string().max(100),
    width: count,
    height: count,
    scale: count,
    /**
     * The supervisor takes a binary `ack` of each frame, and lets the encoder make no third one while two are not acknowledged. A host gives them while
     * some viewer takes frames: a narrow line makes fewer frames, and none is thrown away.
     */
    paced: z.boolean().default(false),
    /** Absent: all of them. */
    capabilities: z.object({ audio: z.boolean(), clipboard: z.boolean(), resize: z.boolean() }).optional(),
  }),
  /** It does not start, or ended too often; it is tried again later. For people. */
  z.object({ type: z.literal('failed'), message: z.string().max(1000) }),
  z.object({ type: z.literal('agentAction'), ...agentAction.shape }),
])
export type DesktopUp = z.infer<typeof desktopUp>

/**
 * Small pictures for who looks from far, beside the connection above. `GET peekPath?have=<what the last answer gave>` with the link’s secret is answered as soon
 * as there is something else, at the latest after `peekSeconds`: 200 with a `still` message, at most one of `pictureLimits`; 204: the desktop does not
 * run, and is not started by this; 304: nothing changed; 409 with a sentence: there is none. `peekHeader` of the answer is what to have next time.
 */
export const peekPath = '/desktop/picture'
export const peekHeader = 'x-helix-have'
export const peekSeconds = 20
