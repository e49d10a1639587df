import { join } from 'node:path'
import type { Git } from '../git/git.ts'
import type { Redactor } from '../redactor.ts'
import { writeTree } from './tree.ts'

/** Units: bytes. */
const limits = { file: 64 * 1024 ** 2, total: 256 * 1024 ** 2 }

/**
 * Never kept, of no agent: what holds credentials (claude's, goose's, codex's and gemini's files for them), and what can be had again or tells only of
 * this machine. What SQLite keeps beside a database is in the copy that is taken of it.
 */
const unwanted = [
  /(^|\/)\.credentials\.json$/,
  /(^|\/)(secrets\.ya?ml|auth\.json|oauth_creds\.json|\.netrc|\.npmrc|git-credentials)$/,
  /\.(pem|key|p12|lock|sock)$/,
  /(^|\/)(logs?|\.?cache|Cache|statsig|telemetry|shell-snapshots|tmp)\//,
  /-(wal|shm|journal)$/,
]

const sqlite = Buffer.from('SQLite format 3\0')
/** Node's own SQLite reads what an agent that lives has not written to the end into a copy that is whole. */
const copying = `const { DatabaseSync } = require('node:sqlite')
new DatabaseSync(process.argv[1]).prepare('vacuum into ?').run(process.argv[2])`

/** What an agent remembers, without what nobody is to read. Files are read as the agent's user, by git. */
export class AgentState {
  private readonly input: { git: Git; folder: string; redactor: Redactor }
  /** By the object that git made of a file: the one without secrets. */
  private readonly clean = new Map<string, string>()

  /** `git`: in the working copy whose store takes it. */
  constructor(input: { git: Git; folder: string; redactor: Redactor }) {
    this.input = input
  }

  async snapshot(): Promise<{ tree: string; leftOut: string[] }> {
    const { git, folder } = this.input
    const gitDir = await git.ask('rev-parse', '--absolute-git-dir')
    const index = join(gitDir, 'helix-agent-index')
    await git.shell('rm', '-f', index, `${index}.lock`)
    const inState = git.in(folder).with({ ...plainFiles, GIT_DIR: gitDir, GIT_WORK_TREE: folder, GIT_INDEX_FILE: index })
    try {
      const dull = (path: string) => unwanted.some((pattern) => pattern.test(path))
      const { leftOut } = await writeTree({ git: inState, folder, limits, listing: [], adding: ['--force'], unwanted: dull })
      await this.cleanse(inState, gitDir)
      return { tree: await inState.ask('write-tree'), leftOut }
    } finally {
      await git.shell('rm', '-f', index, `${index}.lock`)
    }
  }

  /** Puts objects without secrets in the place of those with some. */
  private async cleanse(git: Git, gitDir: string): Promise<void> {
    const listed = await git.bytes(limits.file, 'ls-files', '-s', '-z')
    const changed: string[] = []
    for (const line of listed.toString('latin1').split('\0').slice(0, -1)) {
      const [, mode, object, path] = /^(\d+) ([0-9a-f]+) \d\t(.*)$/s.exec(line) ?? []
      if (mode === undefined || object === undefined || path === undefined || !mode.startsWith('100')) continue
      const clean = await this.cleanOf(git, gitDir, object, path)
      if (clean !== object) changed.push(`${mode} ${clean} 0\t${path}\0`)
    }
    if (changed.length > 0) await git.feed(Buffer.from(changed.join(''), 'latin1'), 'update-index', '-z', '--index-info')
  }

  private async cleanOf(git: Git, gitDir: string, object: string, path: string): Promise<string> {
    const known = this.clean.get(object)
    if (known !== undefined) return known
    const raw = await git.bytes(2 * limits.file, 'cat-file', 'blob', object)
    const database = raw.subarray(0, sqlite.length).equals(sqlite)
    const source = database ? await this.databaseCopy(git, gitDir, path) : object
    const content = source === object ? raw : await git.bytes(2 * limits.file, 'cat-file', 'blob', source)
    const masked = this.input.redactor.bytes(content, database)
    const clean = masked === null ? source : await git.feed(masked, 'hash-object', '-w', '--stdin')
    // A database's newest content may stand beside it.
    if (!database) this.clean.set(object, clean)
    return clean
  }

  private async databaseCopy(git: Git, gitDir: string, path: string): Promise<string> {
    const copy = join(gitDir, 'helix-agent-database')
    await git.shell('rm', '-f', copy)
    try {
      const file = join(git.folder, Buffer.from(path, 'latin1').toString('utf8'))
      const copied = await git.shell(process.execPath, '--no-warnings', '-e', copying, file, copy)
      if (!copied) throw new Error(`the database ${path} cannot be read`)
      return await git.ask('hash-object', '-w', '--no-filters', copy)
    } finally {
      await git.shell('rm', '-f', copy)
    }
  }
}

/** Bytes come and go as they are, whatever the repository's or the agent's settings say. */
export const plainFiles = {
  GIT_ATTR_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'core.autocrlf',
  GIT_CONFIG_VALUE_0: 'false',
  GIT_CONFIG_KEY_1: 'core.attributesFile',
  GIT_CONFIG_VALUE_1: '/dev/null',
}
