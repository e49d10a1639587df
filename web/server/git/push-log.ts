import type { OrgId, PushId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import { appendEvent } from '../events/store.ts'
import type { RepoKey } from './environment.ts'
import { describeMove, listRefs } from './history.ts'
import { type Intent, listIntents, mayStillMove, type RefMove, reflogHas, removeIntent } from './intents.ts'
import { findMovements } from './movements.ts'
import type { GitStorage } from './storage.ts'
import { type GitRepository, gitStore, type RecordedPush } from './store.ts'
import { createTurns } from './turns.ts'

export type { RecordedPush } from './store.ts'

/** Runs in the transaction that records the push, once for each recorded push of a ref. A throw undoes the recording; it is tried again. */
export type PushListener = (trx: Knex.Transaction, push: RecordedPush, changedPaths: string[]) => Promise<void>

export interface PushLog extends AsyncDisposable {
  /** Records every push of this repository whose refs moved. Calls at once share one run. */
  flush(repo: RepoKey): Promise<void>
  /** For one repository: `flush`, then what moved without an intent becomes a push of nobody. */
  reconcile(repo: RepoKey): Promise<void>
  /** At start: every repository. One that fails is logged and does not keep the others. */
  reconcileAll(): Promise<void>
}

export interface PushLogInput {
  storage: GitStorage
  db: Knex
  log: Pick<Logger, 'warn' | 'error'>
  newPushId: () => PushId
  listeners: readonly PushListener[]
  /** After each commit: wake whoever reads events and the outbox. */
  committed?: (orgId: OrgId) => void
  /** Units: milliseconds between looks at repositories that could not be settled. */
  sweepMs?: number
}

type Origin = Pick<RecordedPush, 'id' | 'userId' | 'sessionId'>

export function createPushLog(input: PushLogInput): PushLog {
  const turns = createTurns()
  /** Repositories with intents left over: a database that was away, a push that still ran. */
  const unsettled = new Map<string, RepoKey>()

  const settle = async (repo: RepoKey, strict: boolean): Promise<void> => {
    unsettled.set(repo.repositoryId, repo)
    const left = await settleRepository(input, repo, strict)
    if (!left) unsettled.delete(repo.repositoryId)
  }
  const flush = (repo: RepoKey) => turns.share(repo.repositoryId, () => settle(repo, false))
  const reconcile = (repo: RepoKey) =>
    turns.share(`${repo.repositoryId} all`, () => turns.alone(repo.repositoryId, () => settle(repo, true)))

  const sweep = async () => {
    for (const repo of [...unsettled.values()]) {
      await flush(repo).catch((error) => input.log.warn({ err: error, repositoryId: repo.repositoryId }, 'pushes are not recorded yet'))
    }
  }
  const timer = setInterval(() => void sweep(), input.sweepMs ?? 15_000)
  timer.unref()

  return {
    flush,
    reconcile,
    async reconcileAll() {
      for (let after = ''; ; ) {
        const batch = await gitStore.listReady(input.db, after, 100)
        for (const repo of batch) {
          await reconcile(repo).catch((error) => input.log.error({ err: error, repositoryId: repo.repositoryId }, 'reconcile failed'))
        }
        const last = batch.at(-1)
        if (last === undefined) return
        after = last.repositoryId
      }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await turns.idle()
    },
  }
}

/** Answers whether intents are left that may still come true. */
async function settleRepository(input: PushLogInput, key: RepoKey, strict: boolean): Promise<boolean> {
  const { storage, db } = input
  const repo = await gitStore.findReady(db, key)
  if (repo === null) return false
  const gitDir = storage.folderOf(repo)
  // Refs before intents before rows: a ref seen here moved before its intent could go away, and that goes only after its row is written.
  const seen = strict ? await listRefs(storage.git, gitDir) : null
  // Who is over now has said all it will say, and only then are truths and refs read: nothing of theirs is missed.
  const over = (await listIntents(gitDir)).filter((intent) => !mayStillMove(intent, storage.running)).map((intent) => intent.id)
  const intents = await listIntents(gitDir)
  if (intents.length > 0) await recordIntents(input, repo, intents)
  if (intents.length > 0 || strict) await pointHead(input, repo, strict)
  for (const id of over) await removeIntent(gitDir, id)
  if (seen !== null && over.length === intents.length) await recordUnattributed(input, repo, seen)
  return over.length < intents.length
}

/** A clone checks out what HEAD names. */
async function pointHead({ storage, db }: PushLogInput, before: GitRepository, always: boolean): Promise<void> {
  const now = await gitStore.findReady(db, before)
  if (now === null || (!always && now.defaultBranch === before.defaultBranch)) return
  await storage.git(['symbolic-ref', 'HEAD', `refs/heads/${now.defaultBranch}`], { gitDir: storage.folderOf(now) })
}

async function recordIntents(input: PushLogInput, repo: GitRepository, intents: Intent[]): Promise<void> {
  const gitDir = input.storage.folderOf(repo)
  const actual = await listRefs(input.storage.git, gitDir)
  const recorded = await gitStore.recordedRefs(input.db, repo)
  const movements = await findMovements(intents, { actual, recorded, logged: (move) => reflogHas(gitDir, move) })
  for (const { intent, ...move } of movements) {
    const { kind, id } = intent.pusher
    const origin = { id: intent.id, userId: kind === 'person' ? id : null, sessionId: kind === 'session' ? id : null }
    await record(input, repo, move, origin, async (trx, push) => {
      if (!(await gitStore.insertPush(trx, push))) return false
      const led = await gitStore.moveRef(trx, repo, move)
      const now = actual.get(move.ref) ?? null
      if (!led && move.newCommit === now) await gitStore.setRef(trx, repo, move.ref, now)
      return true
    })
  }
}

/** Refs that stand elsewhere than recorded, though no intent says why: somebody changed the folder by hand. */
async function recordUnattributed(input: PushLogInput, repo: GitRepository, seen: ReadonlyMap<string, string>): Promise<void> {
  const gitDir = input.storage.folderOf(repo)
  const recorded = await gitStore.recordedRefs(input.db, repo)
  const [now, intents] = [await listRefs(input.storage.git, gitDir), await listIntents(gitDir)]
  if (intents.length > 0) return
  for (const ref of new Set([...seen.keys(), ...recorded.keys()])) {
    const move = { ref, oldCommit: recorded.get(ref) ?? null, newCommit: seen.get(ref) ?? null }
    if (move.oldCommit === move.newCommit || (now.get(ref) ?? null) !== move.newCommit) continue
    const origin = { id: input.newPushId(), userId: null, sessionId: null }
    // Its id is new each time it is found: the compare-and-set makes it once.
    await record(
      input,
      repo,
      move,
      origin,
      async (trx, push) => (await gitStore.moveRef(trx, repo, move)) && gitStore.insertPush(trx, push),
    )
  }
}

/** Agents push branches of tasks; only a person's branch can be what a repository is about. */
const mayBecomeDefault = (branch: string, origin: Origin): boolean => origin.userId !== null && branch !== 'helix-specs'

type Write = (trx: Knex.Transaction, push: RecordedPush) => Promise<boolean>

/** Looks in git first, then writes all that follows from one moved ref in one transaction. */
async function record(input: PushLogInput, repo: GitRepository, move: RefMove, origin: Origin, write: Write): Promise<void> {
  const { commits, paths } = await describeMove(input.storage.git, input.storage.folderOf(repo), move, repo.defaultBranch)
  const push: RecordedPush = {
    ...origin,
    ...move,
    orgId: repo.orgId,
    repositoryId: repo.repositoryId,
    commits: commits.map(({ hash, subject, authorName, authoredAt }) => ({ hash, subject, authorName, authoredAt })),
  }
  const written = await input.db.transaction(async (trx) => {
    if (!(await gitStore.lock(trx, repo)) || !(await write(trx, push))) return false
    const branch = /^refs\/heads\/(.+)$/.exec(move.ref)?.[1]
    if (branch !== undefined && move.oldCommit === null && mayBecomeDefault(branch, origin))
      await gitStore.adoptDefaultBranch(trx, repo, branch)
    for (const listener of input.listeners) await listener(trx, push, paths)
    // The event log's lock of the organisation comes last: whoever holds it waits for no row.
    await appendEvent(trx, repo.orgId, {
      type: 'repository.pushed',
      repositoryId: repo.repositoryId,
      pushId: push.id,
      branch: move.ref.replace(/^refs\/heads\//, ''),
      commit: move.newCommit ?? '',
    })
    return true
  })
  if (written) input.committed?.(repo.orgId)
}
