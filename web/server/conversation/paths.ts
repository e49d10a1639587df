import type { Git } from '../git/run.ts'

/** Units: bytes of one listing; a larger tree is searched as far as this goes. */
const mostBytes = 16 * 1024 * 1024
const keptTrees = 16

const trees = new Map<string, Promise<string[]>>()

/** Every file of a commit. A commit never changes: what was read stays for the next letters that a person types. */
export function pathsOf(git: Git, gitDir: string, commit: string): Promise<string[]> {
  const key = `${gitDir}\n${commit}`
  const known = trees.get(key)
  trees.delete(key)
  const read = known ?? readPaths(git, gitDir, commit)
  trees.set(key, read)
  read.catch(() => trees.delete(key))
  for (const oldest of trees.keys()) if (trees.size > keptTrees) trees.delete(oldest)
  return read
}

async function readPaths(git: Git, gitDir: string, commit: string): Promise<string[]> {
  const { stdout } = await git(['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit], { gitDir, maxBytes: mostBytes })
  const paths = stdout.toString('utf8').split('\0')
  // What stands behind the last NUL is nothing, or half a name.
  return paths.slice(0, -1)
}

/** Lower is better; null: does not fit. The letters must come in their order, best at once and in the file's own name. */
export function fitOf(path: string, query: string): number | null {
  const whole = path.toLowerCase()
  const wanted = query.toLowerCase()
  if (wanted === '') return 0
  const name = whole.slice(whole.lastIndexOf('/') + 1)
  if (name === wanted || whole === wanted) return 0
  if (name.startsWith(wanted)) return 1
  if (whole.startsWith(wanted)) return 2
  if (name.includes(wanted)) return 3
  if (whole.includes(wanted)) return 4
  let at = -1
  for (const letter of wanted) {
    at = whole.indexOf(letter, at + 1)
    if (at === -1) return null
  }
  return 5
}

/** The best fits, shorter paths first among equals. */
export function rankPaths(paths: readonly string[], query: string, limit: number): string[] {
  const fits = paths.flatMap((path) => {
    const fit = fitOf(path, query)
    return fit === null ? [] : [{ path, fit }]
  })
  fits.sort((a, b) => a.fit - b.fit || a.path.length - b.path.length || (a.path < b.path ? -1 : 1))
  return fits.slice(0, limit).map(({ path }) => path)
}
