import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export const root = dirname(dirname(dirname(new URL(import.meta.url).pathname)))

/** Shared by every clone of this user: what is expensive to build and the same for all. */
export const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'helix')

const ignored = new Set(['node_modules', 'build', 'dist', '.svelte-kit', '.git', 'tests'])

function* filesUnder(path) {
  if (!existsSync(path)) return
  if (!lstatSync(path).isDirectory()) {
    yield path
    return
  }
  for (const name of readdirSync(path).sort()) if (!ignored.has(name)) yield* filesUnder(join(path, name))
}

/** A hash over the names and contents of files and folders, given relative to the repository. */
export function hashOf(...paths) {
  const hash = createHash('sha256')
  for (const path of paths) {
    for (const file of filesUnder(join(root, path)))
      hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex').slice(0, 20)
}

/** Runs `work` unless the stamp file says that it was done for this very hash. Returns whether it ran. */
export async function once(stamp, hash, outputs, work) {
  const file = join(root, stamp)
  const done = existsSync(file) && readFileSync(file, 'utf8') === hash && outputs.every((path) => existsSync(join(root, path)))
  if (done) return false
  await work()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, hash)
  return true
}
