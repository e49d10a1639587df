import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, reasonOf } from '../log.ts'
import { type Git, GitFailure } from './git.ts'

/** Where the host puts what earlier sessions of the project cloned; a folder for each repository. */
const folder = '.mirrors'
const packs = join('objects', 'pack')

/**
 * A clone that fetches only what the host's copy lacks. Its packs become the clone's own by a new name, so that nothing is shared with anybody. False: there is
 * no copy, or it is of no use, and nothing is left of the try.
 */
export async function cloneFromMirror(root: Git, name: string, url: string, to: string, deadlineMs: number, log: Log): Promise<boolean> {
  const mirror = join(root.folder, folder, name)
  if ((await readdir(join(mirror, packs)).catch(() => [])).length === 0) return false
  try {
    await root.remote(['clone', '--quiet', '--no-checkout', '--reference', mirror, url, to], deadlineMs)
    for (const pack of await readdir(join(mirror, packs))) await rename(join(mirror, packs, pack), join(to, '.git', packs, pack))
    await rm(join(to, '.git', 'objects', 'info', 'alternates'))
    await root.in(to).ask('rev-list', '--count', '--all')
    return true
  } catch (error) {
    // Without the copy it would end the same.
    if (error instanceof GitFailure && (error.kind === 'unreachable' || error.kind === 'denied')) throw error
    log.warn('a kept clone is of no use; cloning anew', { repository: name, reason: reasonOf(error) })
    await rm(to, { recursive: true, force: true })
    return false
  } finally {
    await rm(mirror, { recursive: true, force: true })
    // Until those of other repositories are used.
    await rmdir(join(root.folder, folder)).catch(() => undefined)
  }
}
