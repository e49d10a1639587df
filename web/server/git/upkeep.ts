import type { Logger } from 'pino'
import type { RepoKey } from './environment.ts'
import type { GitStorage } from './storage.ts'

/** Units: milliseconds. */
const defaultDelayMs = 60_000
const deadlineMs = 30 * 60_000

/**
 * Packs what pushes leave loose, so that a busy repository stays quick and small. git itself decides whether it is time (`gc --auto`) and
 * keeps what nothing names for two weeks. One repository at a time, some while after its last push; killed half way, nothing is lost.
 */
export function createUpkeep(storage: GitStorage, log: Pick<Logger, 'warn'>, delayMs = defaultDelayMs): (repo: RepoKey) => void {
  const timers = new Map<string, NodeJS.Timeout>()
  let turn: Promise<unknown> = Promise.resolve()
  const collect = (repo: RepoKey): Promise<unknown> =>
    storage
      .git(['-c', 'gc.auto=6700', '-c', 'gc.autoPackLimit=50', 'gc', '--auto', '--quiet'], { gitDir: storage.folderOf(repo), deadlineMs })
      .catch((error) => log.warn({ err: error, repositoryId: repo.repositoryId }, 'git gc failed'))
  return (repo) => {
    clearTimeout(timers.get(repo.repositoryId))
    const timer = setTimeout(() => {
      timers.delete(repo.repositoryId)
      turn = turn.then(() => collect(repo))
    }, delayMs)
    timers.set(repo.repositoryId, timer.unref())
  }
}
