import type { FileChange } from '@helix/contract/repositories'
import type { Git } from './run.ts'

const fileLimit = 500
/** Units: bytes. */
const patchLimit = 256 * 1024
const totalLimit = 24 * 1024 * 1024

type Listed = Omit<FileChange, 'patch'> & { sections: number }

const kindOf = (status: string): FileChange['kind'] =>
  status === 'A' ? 'added' : status === 'D' ? 'deleted' : status === 'R' ? 'renamed' : 'modified'

/** Parses `diff-tree --raw --numstat -z`: first every raw entry, then every numstat entry, in the same order. */
export function parseChanges(stdout: Buffer): Listed[] {
  const values = stdout.toString('utf8').split('\0')
  const files: Listed[] = []
  let at = 0
  for (; values[at]?.startsWith(':'); ) {
    const status = (values[at] ?? '').split(' ')[4]?.[0] ?? 'M'
    const renamed = status === 'R' || status === 'C'
    const path = values[at + (renamed ? 2 : 1)] ?? ''
    const previousPath = status === 'R' ? (values[at + 1] ?? null) : null
    // A change of type (file to link) is shown as one file gone and one come.
    files.push({ path, previousPath, kind: kindOf(status), additions: null, deletions: null, sections: status === 'T' ? 2 : 1 })
    at += renamed ? 3 : 2
  }
  for (const file of files) {
    const [added = '-', removed = '-', path = ''] = (values[at] ?? '').split('\t')
    file.additions = added === '-' ? null : Number(added)
    file.deletions = removed === '-' ? null : Number(removed)
    at += path === '' ? 3 : 1
  }
  return files
}

/** The hunks of one file: what follows the headers. Null for a binary file, empty for a change of mode alone. */
function hunksOf(section: string): string | null {
  const start = section.search(/^@@ /m)
  if (start >= 0) return section.slice(start)
  return /^(Binary files |GIT binary patch)/m.test(section) ? null : ''
}

/** Cuts `diff-tree -p` into files. Lines of hunks begin with a space, `+`, `-` or `\`, so that only headers begin with `diff`. */
export function splitPatches(stdout: Buffer): string[] {
  return stdout
    .toString('utf8')
    .split(/^(?=diff --git )/m)
    .filter((section) => section.startsWith('diff --git '))
}

const common = ['-r', '-M', '-l1000', '--no-ext-diff', '--no-textconv', '--no-color', '--submodule=short']

/** The changed files from one tree to another, at most 500, with their hunks. */
export async function diffTrees(git: Git, gitDir: string, from: string, to: string): Promise<{ files: FileChange[]; truncated: boolean }> {
  const listing = await git(['diff-tree', ...common, '--raw', '--numstat', '-z', from, to], { gitDir, maxBytes: totalLimit })
  if (listing.truncated) return { files: [], truncated: true }
  const listed = parseChanges(listing.stdout)
  const shown = listed.slice(0, fileLimit)
  const patch = await git(['diff-tree', ...common, '-p', from, to], { gitDir, maxBytes: totalLimit })
  const sections = splitPatches(patch.stdout)
  // The last one may be cut in the middle.
  if (patch.truncated) sections.pop()
  let at = 0
  const files = shown.map(({ sections: count, ...file }) => {
    const own = sections.slice(at, at + count)
    at += count
    const hunks = own.length < count || file.additions === null ? null : own.map(hunksOf)
    const text = hunks === null || hunks.includes(null) ? null : hunks.join('')
    return { ...file, patch: text === null || Buffer.byteLength(text) > patchLimit ? null : text }
  })
  return { files, truncated: listed.length > fileLimit }
}
