import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Units: milliseconds. What is younger may be written at this moment. */
const oldMs = { draft: 600_000, scratch: 86_400_000 }
const draft = /(\.draft|^credential\.json\.\d+)$/
const scratch = /^helix-pack-/

/** Removes what processes left that were killed in the middle of a write or a fetch; answers with how many. */
export async function removeDrafts(stateDir: string, scratchDir: string, now = Date.now()): Promise<number> {
  const found = [
    ...(await olderThan(stateDir, draft, now - oldMs.draft)),
    // Shared with other hosts of this machine: a fetch never takes a day.
    ...(await olderThan(scratchDir, scratch, now - oldMs.scratch)),
  ]
  for (const path of found) await rm(path, { recursive: true, force: true })
  return found.length
}

async function olderThan(folder: string, name: RegExp, time: number): Promise<string[]> {
  const paths = (await readdir(folder)).filter((entry) => name.test(entry)).map((entry) => join(folder, entry))
  const own = process.getuid?.()
  const looked = await Promise.all(paths.map(async (path) => ({ path, stats: await stat(path).catch(() => null) })))
  // Another user's is not ours, and could not be removed.
  return looked.flatMap(({ path, stats }) => (stats !== null && stats.mtimeMs < time && stats.uid === (own ?? stats.uid) ? [path] : []))
}
