import { z } from 'zod'
import { screenSize } from './desktop.ts'
import { type Refused, refused, streamLimits } from './stream.ts'

/** The JSON messages between a viewer and a host. Fields and types that one side does not know are left out of account by it. */
export const streamPresets = ['auto', 'sharp', 'smooth', 'saver'] as const
export type StreamPreset = (typeof streamPresets)[number]

const streamRight = z.enum(['view', 'control'])
export type StreamRight = z.infer<typeof streamRight>

const coordinate = z.number().int().min(-32_768).max(32_767)
const count = z.number().int().min(0).max(0xffff_ffff)
const figure = z.number().min(0)

export const viewerUp = z.discriminatedUnion('type', [
  /** First, once; nothing is sent before it. */
  z.object({
    type: z.literal('hello'),
    version: z.number().int().min(1).max(1000),
    /** `webcodecs`: decodes H.264; without it only stills are sent. */
    capabilities: z.object({ webcodecs: z.boolean(), audio: z.boolean().default(false), stills: z.boolean().default(false) }),
    /** Of the element it shows the desktop in, in device pixels. */
    screen: z.object({ width: count, height: count, scale: z.number().min(0.1).max(10) }).optional(),
  }),
  /** The decoder needs a key frame: it failed, or lost one. */
  z.object({ type: z.literal('keyframe') }),
  z.object({ type: z.literal('quality'), preset: z.enum(streamPresets) }),
  /** Who has control only. */
  z.object({ type: z.literal('resize'), ...screenSize.shape }),
  /** Take control. `force`: from somebody who works in it, too. */
  z.object({ type: z.literal('take'), pausesAgent: z.boolean().default(false), force: z.boolean().default(false) }),
  z.object({ type: z.literal('give') }),
  /** False: nothing is sent but words, until it is true again. */
  z.object({ type: z.literal('visibility'), visible: z.boolean() }),
  z.object({ type: z.literal('audio'), on: z.boolean() }),
  /** Stills instead of frames, at most one in `everyMs` and only when something changed. */
  z.object({ type: z.literal('stills'), on: z.boolean(), everyMs: z.number().int().min(100).max(60_000).default(500) }),
  z.object({ type: z.literal('stats'), on: z.boolean() }),
  /** Of who has control, or of the only viewer. */
  z.object({ type: z.literal('theme'), dark: z.boolean() }),
])
export type ViewerUp = z.infer<typeof viewerUp>

/** Fatal ones close the connection with the code of the same name in `streamClose`. */
export const streamErrors = [
  /** Input, `resize` and the like of who has no control. Told once until control changes. */
  'not_controller',
  /** The ticket is for looking only. */
  'not_allowed',
  /** Somebody works in it: ask the person, then `take` with `force`. */
  'control_held',
  'too_large',
  'ticket_refused',
  /** The desktop does not start, or its encoder fails again and again; it is tried on. */
  'desktop_failed',
  'unsupported',
  'bad_message',
  'too_many',
  'slow',
  'session_suspended',
  'session_stopped',
  'session_moved',
  'host_stopping',
] as const
export type StreamError = (typeof streamErrors)[number]

const person = z.object({ id: z.string(), name: z.string() })
const rate = z.object({ kbps: figure, fps: figure, /** Units: percent. */ scale: figure })
export type StreamRate = z.infer<typeof rate>

/** What an agent does to the desktop, as it does it. */
export const agentAction = z.object({
  action: z.string().max(40),
  /** Where, if it has a place on the screen. */
  x: coordinate.nullable().default(null),
  y: coordinate.nullable().default(null),
  /** The newest frame when it began. */
  sequence: count.nullable().default(null),
})

const viewer = person.extend({
  controls: z.boolean(),
  /** Where this viewer points; null: nowhere. */
  x: coordinate.nullable(),
  y: coordinate.nullable(),
  you: z.boolean(),
})
export type StreamViewer = z.infer<typeof viewer>

export const viewerDown = z.discriminatedUnion('type', [
  /** Answers the viewer’s; again when codec, encoder or size changed by a new start of the desktop. */
  z.object({
    type: z.literal('hello'),
    version: z.number().int(),
    session: z.string(),
    /** For `VideoDecoderConfig`. */
    codec: z.string().max(100),
    encoder: z.string().max(100),
    width: count,
    height: count,
    /** Units: percent. */
    scale: count,
    viewerId: z.string(),
    right: streamRight,
    capabilities: z.object({ audio: z.boolean(), clipboard: z.boolean(), resize: z.boolean() }),
    /** The bytes go through the control plane, which is the slower way. */
    relayed: z.boolean(),
    /**
     * In a ticket's place it opens a connection that takes this one's, while this one is there and for 30 seconds after. Frames then begin at once and
     * `hello` need not be awaited. It is over when the new connection says something. Hosts of the version before give none.
     */
    pass: z.string().max(100).optional(),
  }),
  /** `id`: of the viewer; one person may have several. */
  z.object({ type: z.literal('viewers'), items: z.array(viewer).max(1000) }),
  /** At most ten a second of each. */
  z.object({ type: z.literal('viewerMoved'), id: z.string(), x: coordinate, y: coordinate }),
  /** `holder.id`: of the viewer. `until`: unix milliseconds when control ends without input. */
  z.object({ type: z.literal('control'), holder: person.nullable(), pausesAgent: z.boolean(), until: z.number().nullable() }),
  z.object({ type: z.literal('resized'), width: count, height: count }),
  /** Each second while asked for. */
  z.object({
    type: z.literal('stats'),
    fps: figure,
    kbps: figure,
    /** Units: milliseconds from the capture to the host, the median. */
    encodeMs: figure,
    /** Frames sent and not acknowledged. */
    queue: count,
    /** Frames left out since the connection began. */
    dropped: count,
    /** Units: milliseconds from sending to the acknowledgement, the median. */
    ackMs: figure,
    relayed: z.boolean(),
    rate,
  }),
  z.object({ type: z.literal('agentAction'), ...agentAction.shape }),
  z.object({ type: z.literal('error'), code: z.enum(streamErrors), message: z.string().max(1000) }),
])
export type ViewerDown = z.infer<typeof viewerDown>

/** Total: an answer or a refusal. `unknown_type`: valid, but of a version to come. */
export function readTalk<T>(schema: z.ZodType<T>, text: string): T | Refused {
  if (text.length > streamLimits.talkBytes) return refused('too_long', `a text message of ${text.length} characters`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused('bad_value', 'a text message that is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const unknown =
    issue?.code === 'invalid_union' && issue.path.join('.') === 'type' && typeof (value as { type?: unknown }).type === 'string'
  return refused(unknown ? 'unknown_type' : 'bad_value', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a message'}`)
}
