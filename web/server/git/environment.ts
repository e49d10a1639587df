import { join } from 'node:path'
import type { OrgId, RepositoryId } from '@helix/contract/ids'

/** Names one bare repository. */
export interface RepoKey {
  orgId: OrgId
  repositoryId: RepositoryId
}

export interface GitSettings {
  dataDir: string
  /** Where `git` is found; the PATH of the control plane. */
  executablePath: string | undefined
  /** Units: bytes; the largest pack one push may bring. */
  maxPushBytes: number
}

export const defaultMaxPushBytes = 2 * 1024 ** 3

export const gitRoot = (settings: GitSettings): string => join(settings.dataDir, 'git')
export const hooksFolder = (settings: GitSettings): string => join(gitRoot(settings), '.hooks')
export const repositoryFolder = (settings: GitSettings, repo: RepoKey): string =>
  join(gitRoot(settings), repo.orgId, `${repo.repositoryId}.git`)

/** Flaws that old but honest histories carry; everything else that fsck finds refuses the pack. */
const forgiven = [
  'badFilemode',
  'badTimezone',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
]

/** Given on each command line, so that no file in a repository decides how it is treated. */
export function protectiveConfig(settings: GitSettings): string[] {
  const values = [
    `core.hooksPath=${hooksFolder(settings)}`,
    'core.fsmonitor=false',
    'core.logAllRefUpdates=always',
    'protocol.ext.allow=never',
    'transfer.fsckObjects=true',
    ...forgiven.flatMap((flaw) => [`receive.fsck.${flaw}=ignore`, `fetch.fsck.${flaw}=ignore`]),
    `receive.maxInputSize=${settings.maxPushBytes}`,
    'receive.autogc=false',
    'gc.auto=0',
    'gc.autoDetach=false',
    'maintenance.auto=false',
    'uploadpack.allowFilter=true',
    // Checkpoints of sessions: `revealing` shows them to whose they are.
    'transfer.hideRefs=refs/helix',
    'pack.windowMemory=64m',
    'http.followRedirects=false',
    // The repositories are ours even where a volume's files belong to another user.
    'safe.directory=*',
  ]
  return values.flatMap((value) => ['-c', value])
}

/** Comes after `protectiveConfig`: of git's patterns the last that fits decides. */
export const revealing = (refs: readonly string[]): string[] => refs.flatMap((ref) => ['-c', `transfer.hideRefs=!${ref}`])

/** The whole environment of a git process: nothing of the control plane's own leaks into it. */
export function gitEnvironment(settings: GitSettings, extra: Record<string, string> = {}): Record<string, string> {
  return {
    ...(settings.executablePath === undefined ? {} : { PATH: settings.executablePath }),
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    GIT_LITERAL_PATHSPECS: '1',
    // The push log reads reflogs as files.
    GIT_DEFAULT_REF_FORMAT: 'files',
    GIT_COMMITTER_NAME: 'Helix',
    GIT_COMMITTER_EMAIL: 'helix@localhost',
    ...extra,
  }
}
