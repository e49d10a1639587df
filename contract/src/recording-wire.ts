import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'

/** What hosts say about recordings of desktops. The segments themselves are raw bodies, see `segment-bytes.ts`. */
const ofHost = z.object({ hostId: idSchema('host') })

/**
 * `PUT`: one segment, named by when it begins. `x-content-sha256`: of the body. Answers `storedSegment`; the same again is stored once. `storage_full`: pause and
 * try again later. What is refused otherwise is refused for good.
 */
export const segmentPath = '/internal/v1/hosts/:hostId/sessions/:sessionId/recording/:epoch/:startedUs'
export const segmentHash = 'x-content-sha256'
/** Units: bytes of one segment. */
export const segmentMostBytes = 32 * 1024 * 1024

export const storedSegment = z.object({
  /** False: nobody wants it, and nothing more of this session. */
  wanted: z.boolean(),
})

export const listRecorded = defineEndpoint({
  method: 'GET',
  path: '/internal/v1/hosts/:hostId/recordings',
  permission: 'runner',
  summary: 'Sessions of this host whose desktops are recorded while they run',
  params: ofHost,
  response: z.object({ sessions: z.array(z.object({ sessionId: idSchema('session'), epoch: z.number().int() })) }),
})

export const noteRecording = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/:hostId/sessions/:sessionId/recording',
  permission: 'runner',
  summary: 'What a host does about the recording of a session, for people',
  params: ofHost.extend({ sessionId: idSchema('session') }),
  body: z.object({
    epoch: z.number().int(),
    /** `paused` says why. */
    state: z.enum(['recording', 'paused', 'ended']),
    reason: z.string().max(500).nullable(),
    /** Segments that were given up since it was last told. */
    lost: z.number().int().min(0).max(1_000_000).default(0),
  }),
  errors: ['epoch_outdated'],
})
