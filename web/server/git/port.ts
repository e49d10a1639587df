import type { UserId } from '@helix/contract/ids'
import type { Commit, FileChange } from '@helix/contract/repositories'
import type { RepoKey } from './environment.ts'

export type { RepoKey } from './environment.ts'

export interface Changes {
  /** Null where the two share no history, or there is no base: then the files are measured against nothing. */
  mergeBase: string | null
  /** Commits of head that base lacks, newest first, at most 200. */
  commits: Commit[]
  files: FileChange[]
  /** More than 500 files, or a diff too large to show: the rest is left out. */
  truncated: boolean
}

export interface MergeInput {
  /** A branch, by its short name or as a full ref. */
  baseRef: string
  /** The commit to merge. */
  head: string
  message: string
  /** Goes under the message; a second merge of the same head with the same trailer finds the first. */
  trailer: { key: string; value: string }
  author: { name: string; email: string }
  /** Whose push the merge is recorded as. */
  userId: UserId | null
}

export type MergeOutcome =
  | { outcome: 'merged'; commit: string }
  | { outcome: 'conflict'; files: string[] }
  | { outcome: 'failed'; reason: string }

export interface CommitInput {
  /** A branch, by its short name or as a full ref. */
  ref: string
  /** Paths and their new texts. */
  files: { path: string; text: string /** What the file must hold on the branch; else nothing is written. */; expected: string }[]
  message: string
  author: { name: string; email: string }
  userId: UserId
}

export type CommitOutcome =
  | { outcome: 'committed'; commit: string }
  /** These files hold something else than expected. */
  | { outcome: 'conflict'; files: string[] }
  | { outcome: 'failed'; reason: string }

/** What features ask of git. `ref`, `base` and `head` are branch names, full refs or full commit ids; nonsense names nothing. */
export interface GitPort {
  /** Null when it names no commit. */
  resolveCommit(repo: RepoKey, ref: string): Promise<string | null>
  /** The first parent of a commit; null for a first commit, and when it is not there. */
  firstParent(repo: RepoKey, commit: string): Promise<string | null>
  /** The text of a file; null when it is not there, binary or over 1 MiB. */
  readFile(repo: RepoKey, commit: string, path: string): Promise<string | null>
  /** How head differs from where it left base. */
  changes(repo: RepoKey, base: string, head: string): Promise<Changes>
  /** How many commits of head base lacks; 0 when head is not there. */
  countAhead(repo: RepoKey, base: string, head: string): Promise<number>
  /** Merges head into a branch with a merge commit and records it as a push. May be asked twice. */
  mergeBranch(repo: RepoKey, input: MergeInput): Promise<MergeOutcome>
  /** Commits texts to a branch by compare-and-set on its head and records it as a push; what others commit beside these files stays. */
  commitFiles(repo: RepoKey, input: CommitInput): Promise<CommitOutcome>
}
