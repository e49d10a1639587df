import type { SessionId } from '@helix/contract/ids'
import { digest } from '../digest.ts'
import type { Labels } from '../engine/engine.ts'

/** Whose things a host may touch: those with all of these labels. */
export interface Owner {
  installation: string
  hostId: string
}

export const ownerLabels = ({ installation, hostId }: Owner): Labels => ({ 'helix.installation': installation, 'helix.host': hostId })

export const sessionLabels = (owner: Owner, sessionId: SessionId): Labels => ({ ...ownerLabels(owner), 'helix.session': sessionId })

const cacheLabel = 'helix.cache'
/** Of a volume that this host keeps for sessions to come; whoever keeps it also collects it. */
export const cacheLabels = (owner: Owner, kind: string): Labels => ({ ...ownerLabels(owner), [cacheLabel]: kind })
export const isCache = ({ labels }: { labels: Labels }): boolean => labels[cacheLabel] !== undefined

/** What networks and volumes are called by: the session's id, or the id of the warm slot that became the session (see `SlotLedger`). */
export type Stem = string

/** Names carry the installation, so that two that were copied from each other do not meet. */
const named = (owner: Owner, stem: Stem): string => `helix-${owner.installation}-${stem}`

/** One for each start: Docker refuses a second container of the same start. */
export const containerName = (owner: Owner, sessionId: SessionId, epoch: number): string => `${named(owner, sessionId)}-${epoch}`
export const networkName = named
export const workspaceVolume = named
/** What the inner Docker engine keeps. */
export const innerDockerVolume = (owner: Owner, stem: Stem): string => `${named(owner, stem)}-docker`

/** What the names of a host's bridges begin with. Linux gives a name 15 letters. */
export const bridgePrefix = ({ installation, hostId }: Owner): string => `hx${digest(`${installation}/${hostId}`, 5)}`
/** The network interface of the machine that a session's traffic comes by. */
export const bridgeName = (owner: Owner, stem: Stem): string => `${bridgePrefix(owner)}${digest(stem, 8)}`

export const sessionOf = (labels: Labels): SessionId | null => (labels['helix.session'] as SessionId | undefined) ?? null
export const epochOf = (labels: Labels): number => Number(labels['helix.epoch'] ?? 0)
