import { z } from 'zod'
import { attachment } from './attachments.ts'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, timestamp } from './text.ts'

/** Stills longer than this are cut to it where they are skipped. Units: milliseconds. */
export const stillMs = 1000

export const recordingSegment = z.object({
  /** Rises with each that is stored. */
  id: z.number().int(),
  /** When its first picture was captured. Units: unix milliseconds. */
  startMs: z.number(),
  /** Until its last picture is over. */
  durationMs: z.number(),
  /** How long it plays with stills skipped. */
  movingMs: z.number(),
  /** Where the picture was the same for long: milliseconds from the start, and for how long. */
  stills: z.array(z.tuple([z.number(), z.number()])),
  width: z.number().int(),
  height: z.number().int(),
  /** Units: bytes. */
  bytes: z.number().int(),
})
export type RecordingSegment = z.infer<typeof recordingSegment>

export const recordingChapter = z.object({
  /** Of the conversation’s entry. */
  sequence: z.number().int(),
  kind: z.enum(['prompt', 'tool', 'turn_end']),
  title: z.string(),
  /** Units: unix milliseconds. */
  atMs: z.number(),
})
export type RecordingChapter = z.infer<typeof recordingChapter>

export const recording = z.object({
  /** `off`: the project has no recordings; `nothing`: nothing moved yet; `paused` says why; `expired`: there was one. */
  state: z.enum(['off', 'nothing', 'recording', 'paused', 'ended', 'expired']),
  /** For people; null when the state says it all. */
  reason: z.string().nullable(),
  /** From the first picture to the last; null: there is none. Units: unix milliseconds. */
  span: z.object({ fromMs: z.number(), toMs: z.number() }).nullable(),
  /** In the order of time. */
  segments: z.array(recordingSegment),
  /** While there were pictures, in the order of time. */
  chapters: z.array(recordingChapter),
  /** There are more chapters than are listed. */
  moreChapters: z.boolean(),
  /** Units: bytes of all. */
  bytes: z.number().int(),
  /** Parts that were given up before they were stored. */
  lost: z.number().int(),
  /** Earlier parts were removed, at last then: they were too old, or there was no room. */
  removedAt: timestamp.nullable(),
  /** When the first of these parts is removed for its age. */
  expiresAt: timestamp.nullable(),
})
export type Recording = z.infer<typeof recording>

const ofSession = z.object({ sessionId: idSchema('session') })

export const getRecording = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/recording',
  permission: 'task:read',
  summary: 'What was recorded of the session’s desktop, with chapters from its conversation',
  params: ofSession,
  query: z.object({ /** Without the lists of segments and chapters. */ brief: z.coerce.number().int().min(0).max(1).default(0) }),
  response: recording,
})

/**
 * The recording as one MP4, with `Range`. `?stills=skip`: long stills are cut to a second. `?from=&to=`: ids of the first and the last segment; what arrives later
 * does not change it then. `?download=1`: as a file.
 */
export const recordingVideoPath = '/api/v1/sessions/:sessionId/recording/video'

export const recordingVideoQuery = z.object({
  stills: z.enum(['keep', 'skip']).default('keep'),
  from: z.coerce.number().int().min(0).optional(),
  to: z.coerce.number().int().min(0).optional(),
  download: z.enum(['0', '1']).default('0'),
})

export const clipRecording = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/clips',
  permission: 'task:write',
  summary: 'Cut a piece out of the recording of the task’s session and put it on the task as evidence. It begins at the key frame before',
  params: z.object({ taskId: idSchema('task') }),
  body: z.object({
    sessionId: idSchema('session'),
    /** Units: unix milliseconds. */
    fromMs: z.number().min(0),
    toMs: z.number().min(0),
    caption: line(200),
    stills: z.enum(['keep', 'skip']).default('skip'),
  }),
  response: z.object({ attachment, /** When it begins indeed. Units: unix milliseconds. */ startMs: z.number(), durationMs: z.number() }),
  errors: ['conflict', 'too_large', 'storage_full'],
})
