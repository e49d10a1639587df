import type { SessionSpec } from '@helix/contract/hosts'
import type { SessionId } from '@helix/contract/ids'
import { digest } from '../digest.ts'
import type { Footing } from '../ladder/ladder.ts'
import { copy, tooLarge } from './copy.ts'
import { type CacheKey, ProjectCache, type ProjectCacheInput } from './project-cache.ts'

/**
 * Images and build cache of a Docker engine that stands still. What belongs to containers is left out: they, their networks and their volumes are each
 * session's own.
 */
const takeLayers = (mostBytes: number): string => `cd /from
  parts=$(ls -d image overlay2 buildkit 2>/dev/null || true)
  kilobytes=$(du -sk $parts | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$kilobytes" -le ${Math.floor(mostBytes / 1024)} ] || exit ${tooLarge}
  own=' '
  for mount in image/overlay2/layerdb/mounts/*; do
    [ -d "$mount" ] && own="$own$(cat "$mount/mount-id") $(cat "$mount/init-id" 2>/dev/null || true) "
  done
  chmod --reference=. /to
  for part in image buildkit; do [ ! -d "$part" ] || ${copy} "$part" /to/; done
  rm -rf /to/image/overlay2/layerdb/mounts
  mkdir /to/overlay2 && chmod --reference=overlay2 /to/overlay2
  for layer in overlay2/*; do
    case "$own" in *" \${layer#overlay2/} "*) ;; *) ${copy} "$layer" /to/overlay2/ ;; esac
  done
  echo $((kilobytes * 1024))`

const putLayers = `chmod --reference=/from /to; ${copy} /from/. /to/`

/** Where layers are marked in attributes that any user may set; those of a rootful engine only root of the machine can copy. */
export const keepsLayersOf = ({ innerDocker }: Pick<Footing, 'innerDocker'>): boolean =>
  innerDocker === 'rootless' || innerDocker === 'gvisor'

/**
 * Images and build cache of the Docker engines inside of sessions, as start-up scripts left them: the next session of the same project begins with a copy. What
 * a project's own script did reaches that project's sessions alone, and nothing that an agent did reaches any.
 */
export class LayerCache extends ProjectCache {
  private readonly keys = new Map<SessionId, CacheKey>()

  constructor(input: ProjectCacheInput) {
    super(input, 'layers', 'Docker layers of projects')
  }

  /** Notes what the session's layers are kept by; null: they are not. */
  keyFor(spec: SessionSpec, footing: Footing): CacheKey | null {
    const { sessionId, orgId, projectId, startUp, machine } = spec
    this.keys.delete(sessionId)
    if (startUp === null || projectId === undefined || !keepsLayersOf(footing) || this.input.budgetBytes === 0) return null
    const text = JSON.stringify([orgId, projectId, machine.image, startUp.script, footing.innerDocker])
    const key = digest(text, 24)
    // Where an agent was before, nothing is taken.
    if (spec.kept.turn === null && spec.kept.from === null) this.keys.set(sessionId, key)
    return key
  }

  /** From now on nothing is kept of the session: its agent begins. */
  close(sessionId: SessionId): void {
    this.keys.delete(sessionId)
  }

  /** Fills a session's new volume; false: there is nothing to fill it with. A volume that could only be filled in part is removed. */
  async bring(key: CacheKey | null, volume: string): Promise<boolean> {
    if (key === null || !(await this.has(key))) return false
    await this.ledger.fill(volume, true)
    const whole = await this.bringBy(key, volume, putLayers)
    if (!whole) await this.input.engine.removeVolume(volume)
    await this.ledger.fill(volume, false)
    return whole
  }

  /** Removes a volume that a process filled in part before it died. */
  async clearHalf(volume: string): Promise<void> {
    if (!(await this.ledger.isFilling(volume))) return
    await this.input.engine.removeVolume(volume)
    await this.ledger.fill(volume, false)
  }

  /** Keeps what the start-up script of a session left in its Docker, which stands still. */
  async keep(sessionId: SessionId, volume: string): Promise<void> {
    const key = this.keys.get(sessionId)
    if (key !== undefined) await this.keepBy(key, volume, takeLayers)
  }
}
