import { checkpointRef } from '@helix/contract/checkpoints'
import type { Context } from '../context.ts'
import { checkpointStore, type StrayRefs } from './store.ts'

/** Units: milliseconds. */
const everyMs = 10 * 60_000
/** Of each session; and the newest of each day before. */
const most = 20
const batch = 500

type Parts = Pick<Context, 'db' | 'log' | 'gitStorage'>

/** Removes old checkpoints, and the refs of those that are gone: pruned, or gone with their project. Answers how many refs' names were forgotten. */
export async function sweepCheckpoints(context: Parts): Promise<number> {
  await checkpointStore.prune(context.db, most)
  let forgotten = 0
  for (;;) {
    const strays = await checkpointStore.strays(context.db, batch)
    let removed = 0
    for (const stray of strays) {
      try {
        await removeRefs(context, stray)
        await checkpointStore.forget(context.db, stray)
        removed += stray.refs.length
      } catch (error) {
        context.log.warn({ err: error, repositoryId: stray.repo.repositoryId }, 'refs of old checkpoints are not removed yet')
      }
    }
    forgotten += removed
    // What cannot be removed now waits for the next round.
    if (removed === 0) return forgotten
  }
}

/** Already gone is not an error: `delete` without an old value asks for none. */
async function removeRefs({ gitStorage }: Parts, { repo, refs }: StrayRefs): Promise<void> {
  const names = refs.flatMap(({ sessionId, n }) => [
    checkpointRef(sessionId, n),
    checkpointRef(sessionId, n, 'specs'),
    checkpointRef(sessionId, n, 'agent'),
  ])
  await gitStorage.git(['update-ref', '--stdin'], {
    gitDir: gitStorage.folderOf(repo),
    input: names.map((name) => `delete ${name}\n`).join(''),
  })
}

/** At start and every ten minutes. Several control planes may do it at once. */
export function keepCheckpointsFew(context: Parts): Disposable {
  const sweep = () =>
    sweepCheckpoints(context).catch((error: unknown) => context.log.warn({ err: error }, 'old checkpoints could not be removed yet'))
  const timer = setInterval(() => void sweep(), everyMs)
  timer.unref()
  void sweep()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
