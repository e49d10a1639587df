import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { HelixError } from '@helix/contract/errors'
import type { RepoKey } from './environment.ts'
import { listRefs } from './history.ts'
import { processLives } from './process.ts'
import { GitError } from './run.ts'
import { sampleStream } from './sample.ts'
import { type ImportSource, withoutSecrets } from './source.ts'
import type { GitStorage } from './storage.ts'

export type Origin = { kind: 'empty' } | { kind: 'sample' } | { kind: 'import'; source: ImportSource }

export interface CreatedRepository {
  defaultBranch: string
  refs: Map<string, string>
}

export interface ImportLimits {
  deadlineMs: number
  maxBytes: number
}

export const defaultImportLimits: ImportLimits = { deadlineMs: 15 * 60_000, maxBytes: 4 * 1024 ** 3 }

const draftOf = (storage: GitStorage, repo: RepoKey): string => join(storage.root, repo.orgId, `.creating-${repo.repositoryId}`)
const ownerFile = 'helix-owner'

/** Makes the bare repository beside its place and moves it there whole: nobody ever sees half of one. */
export async function createBareRepository(
  storage: GitStorage,
  repo: RepoKey,
  origin: Origin,
  limits: ImportLimits = defaultImportLimits,
): Promise<CreatedRepository> {
  const draft = draftOf(storage, repo)
  await mkdir(draft, { recursive: true, mode: 0o700 })
  try {
    await writeFile(join(draft, ownerFile), `${hostname()} ${process.pid}\n`)
    await storage.git(['init', '--quiet', '--bare', '--template=', '--initial-branch=main', draft])
    const defaultBranch = await fill(storage, draft, origin, limits)
    await storage.git(['symbolic-ref', 'HEAD', `refs/heads/${defaultBranch}`], { gitDir: draft })
    const refs = await listRefs(storage.git, draft)
    await rename(draft, storage.folderOf(repo))
    await rm(join(storage.folderOf(repo), ownerFile))
    return { defaultBranch, refs }
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (error instanceof GitError && /No space left on device/.test(error.stderr)) throw new HelixError('storage_full')
    throw error
  }
}

async function fill(storage: GitStorage, draft: string, origin: Origin, limits: ImportLimits): Promise<string> {
  if (origin.kind === 'sample') await storage.git(['fast-import', '--quiet'], { gitDir: draft, input: sampleStream('main') })
  if (origin.kind !== 'import') return 'main'
  try {
    return await importInto(storage, draft, origin.source, limits)
  } catch (error) {
    if (!(error instanceof GitError) || /No space left on device/.test(error.stderr)) throw error
    throw new HelixError('import_failed', `The repository could not be imported: ${reasonFor(error, origin.source)}`)
  }
}

/** What git adds to every failed fetch, and what it only remarks. */
const noise = /^(hint|warning|remote): |^\s*$|Could not read from remote repository|^Please make sure you have|^and the repository exists/

function reasonFor(error: GitError, source: ImportSource): string {
  const lines = error.stderr.split('\n').filter((text) => !noise.test(text))
  const said = lines
    .map((text) => text.replace(/^(fatal|error): /, ''))
    .join(' ')
    .slice(0, 400)
  return withoutSecrets(said || 'git gave no reason.', source.secrets).toWellFormed()
}

async function importInto(storage: GitStorage, draft: string, source: ImportSource, limits: ImportLimits): Promise<string> {
  // git refuses folders of another user unless told; whoever names a local path in this mode vouches for it.
  const globalConfig = join(draft, 'helix-import')
  if (source.protocol === 'file') {
    for (const folder of [source.location, join(source.location, '.git')]) {
      await storage.git(['config', '--file', globalConfig, '--add', 'safe.directory', folder])
    }
  }
  const env = {
    ...source.env,
    GIT_ALLOW_PROTOCOL: source.protocol,
    ...(source.protocol === 'file' ? { GIT_CONFIG_GLOBAL: globalConfig } : {}),
  }
  const control = new AbortController()
  const deadline = AbortSignal.timeout(limits.deadlineMs)
  const signal = AbortSignal.any([control.signal, deadline])
  const options = { gitDir: draft, env, signal, deadlineMs: limits.deadlineMs }
  const guard = watchSize(draft, limits.maxBytes, control)
  try {
    const head = await storage.git(['ls-remote', '--symref', '--end-of-options', source.location, 'HEAD'], options)
    await storage.git(
      [
        'fetch',
        '--quiet',
        '--no-write-fetch-head',
        '--no-tags',
        '--update-shallow',
        '--no-auto-maintenance',
        '--end-of-options',
        source.location,
        '+refs/heads/*:refs/heads/*',
        '+refs/tags/*:refs/tags/*',
      ],
      options,
    )
    await rm(globalConfig, { force: true })
    return await defaultBranchOf(storage, draft, head.stdout.toString('utf8'))
  } finally {
    guard.abort()
  }
}

/** What the source's HEAD names when it is there, else main, master or any branch. */
async function defaultBranchOf(storage: GitStorage, draft: string, symref: string): Promise<string> {
  const named = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(symref)?.[1]
  const branches = [...(await listRefs(storage.git, draft)).keys()].flatMap((ref) => /^refs\/heads\/(.+)$/.exec(ref)?.[1] ?? [])
  return [named, 'main', 'master'].find((name) => name !== undefined && branches.includes(name)) ?? branches[0] ?? named ?? 'main'
}

/** Looks each half second how much has come and breaks the import off when it is too much. */
function watchSize(folder: string, maxBytes: number, control: AbortController): AbortController {
  const guard = new AbortController()
  const look = async () => {
    while (!guard.signal.aborted) {
      if ((await sizeOf(folder)) > maxBytes) control.abort(`the repository is larger than ${Math.round(maxBytes / 1024 ** 2)} MiB`)
      await wait(500, undefined, { signal: guard.signal })
    }
  }
  look().catch((error) => {
    if ((error as Error).name !== 'AbortError') control.abort(String(error))
  })
  return guard
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    names
      .filter((entry) => entry.isFile())
      // git renames its temporary files while we look.
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          (found) => found.size,
          () => 0,
        ),
      ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Takes away what a creation left behind. Already gone is not an error. */
export async function removeBareRepository(storage: GitStorage, repo: RepoKey): Promise<void> {
  await rm(draftOf(storage, repo), { recursive: true, force: true })
  await rm(storage.folderOf(repo), { recursive: true, force: true })
}

/** Units: milliseconds between the row and the owner's name beside it, at the very most. */
const namingMs = 60_000

/** May somebody still be making this repository? At start our own process id belongs to a former life. */
export async function isBeingCreated(storage: GitStorage, repo: RepoKey, ageMs: number): Promise<boolean> {
  const owner = await readFile(join(draftOf(storage, repo), ownerFile), 'utf8').catch(() => '')
  const [host, pid] = owner.trim().split(' ')
  if (!host || ageMs > 2 * defaultImportLimits.deadlineMs) return ageMs < namingMs
  if (host !== hostname()) return true
  return Number(pid) === process.pid ? storage.running.has(repo.repositoryId) : processLives(Number(pid))
}
