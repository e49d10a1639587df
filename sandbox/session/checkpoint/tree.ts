import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from '../git/git.ts'

/** Units: bytes. What is larger is left out and named. */
export interface SizeLimits {
  file: number
  total: number
}

export interface Tree {
  tree: string
  /** What is not in it, for people. */
  leftOut: string[]
}

/** Units: bytes of all paths together. */
const mostNames = 32 * 1024 * 1024
const mostNamed = 10

interface TreeInput {
  /** In the folder, with an index of its own: nobody else's is touched. */
  git: Git
  folder: string
  limits: SizeLimits
  /** Arguments of `ls-files` and `add` that say which untracked files count. */
  listing: readonly string[]
  adding: readonly string[]
  /** Never added and not named. */
  unwanted?: (path: string) => boolean
}

/** Writes the folder as it is now into git's store as a tree. */
export async function writeTree({ git, folder, limits, listing, adding, unwanted = () => false }: TreeInput): Promise<Tree> {
  const listed = await git.bytes(mostNames, 'ls-files', '-z', '--others', '--modified', ...listing)
  // Bytes as they are: a file's name need not be UTF-8.
  const paths = [...new Set(listed.toString('latin1').split('\0').slice(0, -1))]
  const excluded = paths.filter(unwanted)
  const named: string[] = []
  let total = 0
  for (const path of paths) {
    if (unwanted(path)) continue
    const reason = path.endsWith('/') ? 'is a repository of its own' : await tooLarge(join(folder, '/'), path, limits, total)
    if (typeof reason === 'number') total += reason
    else {
      excluded.push(path)
      named.push(`${Buffer.from(path, 'latin1').toString('utf8')} ${reason}`)
    }
  }
  const pathspecs = ['.', ...excluded.map((path) => `:(exclude,literal)${path.replace(/\/$/, '')}`)].join('\0')
  const complaints = await git.feedLeniently(
    Buffer.from(pathspecs, 'latin1'),
    ...['-c', 'advice.addEmbeddedRepo=false', 'add', '--all', '--ignore-errors', ...adding],
    ...['--pathspec-from-file=-', '--pathspec-file-nul'],
  )
  if (complaints !== '') named.push(`some files could not be read: ${complaints.trim().split('\n')[0]?.slice(0, 200)}`)
  return { tree: await git.ask('write-tree'), leftOut: shortened(named) }
}

/** The bytes that it adds, or why not. */
async function tooLarge(folder: string, path: string, limits: SizeLimits, total: number): Promise<number | string> {
  const found = await lstat(Buffer.concat([Buffer.from(folder), Buffer.from(path, 'latin1')])).catch(() => null)
  const size = found?.isFile() ? found.size : 0
  if (size > limits.file) return `(${sizeOf(size)}) is larger than ${sizeOf(limits.file)}`
  return total + size > limits.total ? `(${sizeOf(size)}) is beyond ${sizeOf(limits.total)} in all` : size
}

export const sizeOf = (bytes: number): string =>
  bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${Math.ceil(bytes / 1024 ** 2)} MiB`

function shortened(named: string[]): string[] {
  const shown = named.slice(0, mostNamed).map((text) => text.slice(0, 400))
  return named.length > shown.length ? [...shown, `and ${named.length - shown.length} more`] : shown
}
