import { emptyTreeFor } from './history.ts'
import type { Git } from './run.ts'

/** Units: bytes. */
const textLimit = 1024 * 1024

export interface BlobText {
  sizeBytes: number
  /** Null when binary (NUL or not UTF-8) or over 1 MiB. */
  text: string | null
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null
  try {
    return decoder.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

/** A file at a commit; null when there is none at this path. `commit` is a full object id. */
export async function readBlob(git: Git, gitDir: string, commit: string, path: string): Promise<BlobText | null> {
  const headerLimit = 200
  const { stdout } = await git(['cat-file', '--batch', '-z'], {
    gitDir,
    input: `${commit}:${path}\0`,
    maxBytes: textLimit + headerLimit,
  })
  const end = stdout.indexOf(10)
  const header = /^[0-9a-f]+ blob (\d+)$/.exec(stdout.subarray(0, end).toString())
  if (header === null) return null
  const sizeBytes = Number(header[1])
  const text = sizeBytes > textLimit ? null : textOf(stdout.subarray(end + 1, end + 1 + sizeBytes))
  return { sizeBytes, text }
}

export interface TreeEntry {
  name: string
  kind: 'folder' | 'file' | 'link' | 'submodule'
  sizeBytes: number | null
}

const kinds: Record<string, TreeEntry['kind']> = { '040000': 'folder', '120000': 'link', '160000': 'submodule' }

/** One folder; folders first. Null when the path is no folder. */
export async function readTree(git: Git, gitDir: string, commit: string, path: string): Promise<TreeEntry[] | null> {
  const found = await git(['rev-parse', '--verify', '--quiet', `${commit}:${path}`], { gitDir, codes: [0, 1, 128] })
  const tree = found.stdout.toString().trim()
  if (found.code !== 0) return null
  if (tree === emptyTreeFor(commit)) return []
  const { stdout, code } = await git(['ls-tree', '-z', '--long', tree], { gitDir, codes: [0, 128] })
  if (code !== 0) return null
  const entries = stdout
    .toString('utf8')
    .split('\0')
    .flatMap((row) => {
      const match = /^(\d{6}) \w+ [0-9a-f]+ +(\d+|-)\t(.+)$/s.exec(row)
      const [, mode = '', size = '-', name = ''] = match ?? []
      if (match === null) return []
      const kind = kinds[mode] ?? ('file' as const)
      return [{ name, kind, sizeBytes: kind === 'file' && size !== '-' ? Number(size) : null }]
    })
  return entries.sort((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || (a.name < b.name ? -1 : 1))
}
