import type { SessionId } from '@helix/contract/ids'
import type { HostUp } from '@helix/contract/link'
import type { Logger } from 'pino'
import type { CloneCache } from './caches/clones.ts'
import type { LayerCache } from './caches/layers.ts'
import type { Config } from './config.ts'
import type { Egress } from './egress/egress.ts'
import type { Engine } from './engine/engine.ts'
import type { Identity } from './identity.ts'
import type { Images } from './images/images.ts'
import type { SessionKit } from './images/kit.ts'
import type { Footing } from './ladder/ladder.ts'
import type { ControlPlane } from './link/control-plane.ts'
import type { MachineLimits } from './monitor.ts'
import type { PackInstaller } from './packs/installer.ts'
import type { Certificates } from './sessions/certificates.ts'
import type { Owner } from './sessions/names.ts'
import type { Preparations } from './sessions/preparations.ts'
import type { Registry } from './sessions/registry.ts'
import type { Suspensions } from './sessions/suspensions.ts'
import type { SlotLedger } from './warm/ledger.ts'
import type { WarmPool } from './warm/pool.ts'

/** What the work on sessions is handed. One per process. */
export interface Host {
  readonly config: Pick<Config, 'session'>
  readonly log: Logger
  readonly identity: Identity
  readonly owner: Owner
  readonly engine: Engine
  readonly controlPlane: ControlPlane
  readonly packs: Pick<PackInstaller, 'ensure'>
  readonly images: Pick<Images, 'ensure'>
  readonly kit: Pick<SessionKit, 'ensure'>
  readonly clones: Pick<CloneCache, 'wanted' | 'bring' | 'bytesFor' | 'keep' | 'close'>
  readonly layers: Pick<LayerCache, 'keyFor' | 'has' | 'clearHalf' | 'bring' | 'keep' | 'close'>
  readonly certificates: Certificates
  readonly egress: Egress
  readonly registry: Registry
  readonly preparations: Preparations
  readonly suspensions: Suspensions
  /** Which warm slots became which sessions. */
  readonly slots: SlotLedger
  readonly warm: Pick<WarmPool, 'take' | 'given' | 'discard'>
  /** Throws with the reason while no session can be started here. */
  footing(): Footing
  /** What one session gets at most. */
  largest(): MachineLimits
  /** Null when a new session is welcome; else why not, for people. */
  refusal(): string | null
  /** Hands a frame to the link to the control plane; false: not now. */
  send(frame: HostUp): boolean
  /** Aborted when this process ends. */
  readonly ending: AbortSignal
}

export interface SessionRef {
  sessionId: SessionId
  epoch: number
}
