import type { SessionSpec } from '@helix/contract/hosts'
import type { SessionId } from '@helix/contract/ids'
import { digest } from '../digest.ts'
import { copy, tooLarge, tooSmall } from './copy.ts'
import { type CacheKey, ProjectCache, type ProjectCacheInput } from './project-cache.ts'

/** Units: bytes. A clone of less is made as quickly as it is copied. */
const leastBytes = 32 * 1024 ** 2
/** Units: bytes. With so much a machine that waited is slower than a new one that begins with a copy. */
export const worthColdBytes = 256 * 1024 ** 2
/** Units: milliseconds. What was pushed since is fetched by each session again. */
const freshMs = 24 * 3_600_000
/** The agent's user in every session. */
const agentUid = 1000

/** Where the supervisor finds them on the session's volume. */
const mirrorFolder = '.mirrors'

/** Names of repositories become folders; the control plane lets no others be. */
const safe = /^[a-z0-9][a-z0-9._-]*$/

/** What a fresh clone has of a repository: its packs, and where the branches stand. */
const takeClone = (name: string) => (mostBytes: number) =>
  `cd '/from/${name}/.git'
  kilobytes=$(du -sk objects/pack | cut -f1)
  [ "$kilobytes" -ge ${leastBytes / 1024} ] || exit ${tooSmall}
  [ "$kilobytes" -le ${Math.floor(mostBytes / 1024)} ] || exit ${tooLarge}
  mkdir -p /to/objects/pack /to/refs
  cp --reflink=auto objects/pack/*.pack objects/pack/*.idx /to/objects/pack/
  git -c safe.directory='*' --git-dir=. for-each-ref --format='%(objectname) %(refname)' refs/remotes/origin refs/tags >/to/packed-refs
  echo 'ref: refs/heads/main' >/to/HEAD
  printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = true\\n' >/to/config
  echo $((kilobytes * 1024))`

/** Under another name until it is whole. */
const putClone = (name: string): string => `mkdir -p /to/${mirrorFolder}
  ${copy} /from '/to/${mirrorFolder}/.part-${name}'
  chown -R ${agentUid}:${agentUid} /to/${mirrorFolder}
  mv '/to/${mirrorFolder}/.part-${name}' '/to/${mirrorFolder}/${name}'`

type Repository = SessionSpec['repositories'][number]

/**
 * Packs of large repositories, as the first clone of a session made them with that session's rights, before any agent: sessions of the same project begin with a
 * copy and fetch what is missing. The host itself asks for nothing.
 */
export class CloneCache extends ProjectCache {
  private readonly open = new Map<SessionId, SessionSpec>()

  constructor(input: ProjectCacheInput) {
    super(input, 'clones', 'clones of projects')
  }

  /** Repositories whose clones the session is to offer; none where an agent was before. */
  async wanted(spec: SessionSpec): Promise<string[]> {
    this.open.delete(spec.sessionId)
    if (spec.kept.turn !== null || spec.kept.from !== null || this.input.budgetBytes === 0) return []
    const kept = await this.ledger.kept()
    const names = spec.repositories.flatMap((repository) => {
      const key = keyOf(spec, repository)
      return key === null || Date.now() - (kept[key]?.madeAt ?? 0) < freshMs ? [] : [repository.name]
    })
    if (names.length > 0) this.open.set(spec.sessionId, spec)
    return names
  }

  /** From now on nothing is kept of the session: its agent begins. */
  close(sessionId: SessionId): void {
    this.open.delete(sessionId)
  }

  /** Puts what is kept of the session's repositories onto its new volume; answers with how many there are. */
  async bring(spec: SessionSpec, volume: string): Promise<number> {
    let brought = 0
    for (const repository of spec.repositories) {
      const key = keyOf(spec, repository)
      if (key !== null && (await this.bringBy(key, volume, putClone(repository.name)))) brought++
    }
    return brought
  }

  /** Bytes that are kept of the session's repositories. */
  async bytesFor(spec: SessionSpec): Promise<number> {
    const kept = await this.ledger.kept()
    return spec.repositories.reduce((sum, repository) => sum + (kept[keyOf(spec, repository) ?? '']?.bytes ?? 0), 0)
  }

  /** Keeps the clones that a session has just made. */
  async keep(sessionId: SessionId, volume: string): Promise<void> {
    const spec = this.open.get(sessionId)
    for (const repository of spec?.repositories ?? []) {
      const key = spec === undefined ? null : keyOf(spec, repository)
      if (key !== null) await this.keepBy(key, volume, takeClone(repository.name))
    }
  }
}

/** Null: the control plane does not say which repository and project it is. */
function keyOf({ orgId, projectId }: SessionSpec, { id, name }: Repository): CacheKey | null {
  if (id === undefined || projectId === undefined || !safe.test(name)) return null
  return digest(JSON.stringify([orgId, projectId, id]), 24)
}
