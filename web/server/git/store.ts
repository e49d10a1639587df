import { checkpointRef } from '@helix/contract/checkpoints'
import type { OrgId, PushId, RepositoryId, SessionId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { RepoKey } from './environment.ts'
import type { RefMove } from './intents.ts'

export interface RecordedPush {
  id: PushId
  orgId: OrgId
  repositoryId: RepositoryId
  ref: string
  oldCommit: string | null
  newCommit: string | null
  userId: UserId | null
  sessionId: SessionId | null
  commits: { hash: string; subject: string; authorName: string; authoredAt: string }[]
}

export interface GitRepository extends RepoKey {
  name: string
  defaultBranch: string
}

interface RepositoryRow {
  id: RepositoryId
  org_id: OrgId
  name: string
  default_branch: string
}

const toRepository = (row: RepositoryRow): GitRepository => ({
  orgId: row.org_id,
  repositoryId: row.id,
  name: row.name,
  defaultBranch: row.default_branch,
})

const columns = ['repositories.id', 'repositories.org_id', 'repositories.name', 'repositories.default_branch']

/** What git says to Postgres. Every method names whose repository it means. */
export const gitStore = {
  async findReady(db: Knex, repo: RepoKey): Promise<GitRepository | null> {
    const row = await db('repositories').where({ id: repo.repositoryId, org_id: repo.orgId, state: 'ready' }).first(columns)
    return row === undefined ? null : toRepository(row as RepositoryRow)
  },

  async findByName(db: Knex, orgId: OrgId, orgSlug: string, name: string): Promise<GitRepository | null> {
    const row = await db('repositories')
      .join('organisations', 'organisations.id', 'repositories.org_id')
      .where({ 'organisations.id': orgId, 'organisations.slug': orgSlug, 'repositories.name': name, 'repositories.state': 'ready' })
      .first(columns)
    return row === undefined ? null : toRepository(row as RepositoryRow)
  },

  /** Repositories after `after` in the order of ids, for the sweep at start. */
  async listReady(db: Knex, after: string, limit: number): Promise<GitRepository[]> {
    const rows = await db('repositories').where({ state: 'ready' }).where('id', '>', after).orderBy('id').limit(limit).select(columns)
    return (rows as RepositoryRow[]).map(toRepository)
  },

  /** The branch a session may push when the repository is one of its project's; null when it is not. */
  async findSessionBranch(
    db: Knex,
    orgId: OrgId,
    sessionId: SessionId,
    repositoryId: RepositoryId,
  ): Promise<{ branch: string | null; protectedBranches: string[]; forkedFrom: string[] } | null> {
    const row = await db('agent_sessions')
      .join('project_repositories', 'project_repositories.project_id', 'agent_sessions.project_id')
      .join('projects', 'projects.id', 'agent_sessions.project_id')
      .leftJoin('spec_tasks', 'spec_tasks.id', 'agent_sessions.task_id')
      .where({
        'agent_sessions.id': sessionId,
        'agent_sessions.org_id': orgId,
        'project_repositories.repository_id': repositoryId,
        'projects.deleted_at': null,
      })
      .first('spec_tasks.branch', 'projects.protected_branches', 'agent_sessions.forked_from', 'agent_sessions.forked_from_n')
    // One without a task works on a branch of its own.
    if (row === undefined) return null
    const { forked_from: from, forked_from_n: n } = row
    const forkedFrom = from === null ? [] : [checkpointRef(from, n), checkpointRef(from, n, 'specs'), checkpointRef(from, n, 'agent')]
    return { branch: row.branch ?? `session/${sessionId}`, protectedBranches: row.protected_branches, forkedFrom }
  },

  async recordedRefs(db: Knex, repo: RepoKey): Promise<Map<string, string>> {
    const rows = await db('repository_refs').where({ repository_id: repo.repositoryId }).select('ref', 'commit')
    return new Map(rows.map((row: { ref: string; commit: string }) => [row.ref, row.commit]))
  },

  /** Two control planes that record the same repository do it one after the other. False: it is gone. */
  async lock(trx: Knex.Transaction, repo: RepoKey): Promise<boolean> {
    const row = await trx('repositories').where({ id: repo.repositoryId, org_id: repo.orgId }).forUpdate().first('id')
    return row !== undefined
  },

  /** False when this push of this ref is recorded already. */
  async insertPush(trx: Knex.Transaction, push: RecordedPush): Promise<boolean> {
    const inserted = await trx('pushes')
      .insert({
        id: push.id,
        ref: push.ref,
        org_id: push.orgId,
        repository_id: push.repositoryId,
        old_commit: push.oldCommit,
        new_commit: push.newCommit,
        user_id: push.userId,
        session_id: push.sessionId,
        commits: JSON.stringify(push.commits),
      })
      .onConflict(['id', 'ref'])
      .ignore()
      .returning('id')
    return inserted.length === 1
  },

  /** Compare-and-set of what is recorded of a ref: true when it stood at `oldCommit`. */
  async moveRef(trx: Knex.Transaction, repo: RepoKey, move: RefMove): Promise<boolean> {
    const row = { repository_id: repo.repositoryId, ref: move.ref }
    if (move.oldCommit === null) {
      if (move.newCommit === null) return false
      const inserted = await trx('repository_refs')
        .insert({ ...row, commit: move.newCommit })
        .onConflict(['repository_id', 'ref'])
        .ignore()
        .returning('ref')
      return inserted.length === 1
    }
    const from = trx('repository_refs').where({ ...row, commit: move.oldCommit })
    const changed = move.newCommit === null ? await from.delete() : await from.update({ commit: move.newCommit, updated_at: trx.fn.now() })
    return changed === 1
  },

  /** Sets what is recorded of a ref, whatever stood there. */
  async setRef(trx: Knex.Transaction, repo: RepoKey, ref: string, commit: string | null): Promise<void> {
    const row = { repository_id: repo.repositoryId, ref }
    if (commit === null) {
      await trx('repository_refs').where(row).delete()
      return
    }
    await trx('repository_refs')
      .insert({ ...row, commit })
      .onConflict(['repository_id', 'ref'])
      .merge({ commit, updated_at: trx.fn.now() })
  },

  /** The first branch a person pushes into a repository without its default branch becomes the default. False: it has one. */
  async adoptDefaultBranch(trx: Knex.Transaction, repo: GitRepository, branch: string): Promise<boolean> {
    const present = trx('repository_refs').where({ repository_id: repo.repositoryId, ref: `refs/heads/${repo.defaultBranch}` })
    const changed = await trx('repositories')
      .where({ id: repo.repositoryId, org_id: repo.orgId, default_branch: repo.defaultBranch })
      .whereNotExists(present)
      .update({ default_branch: branch })
    return changed === 1
  },

  /** The refs of an import, which are nobody's push. */
  async insertRefs(trx: Knex.Transaction, repo: RepoKey, refs: ReadonlyMap<string, string>): Promise<void> {
    const rows = [...refs].map(([ref, commit]) => ({ repository_id: repo.repositoryId, ref, commit }))
    if (rows.length > 0) await trx.batchInsert('repository_refs', rows, 500)
  },
}
