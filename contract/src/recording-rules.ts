import { z } from 'zod'

const daysRule = 'use 1 to 365 days'

/** Settings of a project for recordings of its desktops. Both count at once, for sessions that run too. */
export const recordingRules = z.object({
  enabled: z.boolean('use true or false'),
  /** Units: days that a recording is kept. */
  keepDays: z.number(daysRule).int(daysRule).min(1, daysRule).max(365, daysRule),
})
export type RecordingRules = z.infer<typeof recordingRules>

/** What a project has that says nothing: a fortnight outlasts a review and a sprint, and disks stay bounded by quotas besides. */
export const plainRecording: RecordingRules = { enabled: true, keepDays: 14 }
