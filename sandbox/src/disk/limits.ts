import type { Machine } from '@helix/contract/machine'
import type { Labels } from '../engine/engine.ts'
import type { Usage } from './usage.ts'

const label = 'helix.disk'
/** As many files as ext4 makes room for on a disk of that size. */
const bytesPerFile = 16 * 1024
/** Who begins above the limit gets this much on top, to clear up in: whoever is far above it as well. */
const graceShare = 1.1
const grace: Usage = { bytes: 64 * 1024 ** 2, files: 1000 }

/** Kept with the container, so that the next boot of the host knows it. */
export const diskLabels = ({ diskBytes }: Pick<Machine, 'diskBytes'>): Labels => ({ [label]: String(diskBytes) })

/** What a session may fill; null: its container says nothing. */
export function diskLimitsOf(labels: Labels): Usage | null {
  const bytes = Number(labels[label])
  return Number.isFinite(bytes) && bytes > 0 ? { bytes, files: Math.floor(bytes / bytesPerFile) } : null
}

/** The limits of a start that began with so much. */
export function allowedFrom(limits: Usage, begun: Usage): Usage {
  const above = begun.bytes >= limits.bytes || begun.files >= limits.files
  if (!above) return limits
  const allowed = (what: keyof Usage): number => Math.max(limits[what] * graceShare, begun[what] + grace[what])
  return { bytes: allowed('bytes'), files: allowed('files') }
}
