import type { Checkpoint } from '@helix/contract/checkpoints'
import type { OrgId, RepositoryId, SessionId } from '@helix/contract/ids'
import type { KeptCheckpoint } from '@helix/contract/sessions'
import type { Knex } from 'knex'
import type { RepoKey } from '../git/environment.ts'
import type { SessionRow } from '../sessions/store.ts'

type Kept = Omit<KeptCheckpoint, 'kind'>

export interface CheckpointRow {
  session_id: SessionId
  n: number
  org_id: OrgId
  kept: Kept
  at: Date
}

const checkpointOf = ({ n, kept, at }: CheckpointRow): Checkpoint => ({
  n,
  cause: kept.cause,
  promptId: kept.promptId as Checkpoint['promptId'],
  repositories: kept.repositories.map(({ name, branch }) => ({ name, branch })),
  conversation: kept.agent?.session != null,
  leftOut: kept.leftOut,
  at: at.toISOString(),
})

/** Refs in one repository that nobody has a row for any more. */
export interface StrayRefs {
  repo: RepoKey
  refs: { sessionId: string; n: number }[]
}

/** What of sessions is kept besides their volumes. Commits stay in here: who knows one may read it. */
export const checkpointStore = {
  /** Once by session and number. Answers whether there was a new one. */
  async record(trx: Knex, session: SessionRow, found: readonly { at: string; kept: KeptCheckpoint }[]): Promise<boolean> {
    let news = false
    for (const { at, kept } of found) {
      const { kind: _, ...rest } = kept
      const row = { session_id: session.id, n: kept.n, org_id: session.org_id, kept: JSON.stringify(rest), at }
      const inserted = await trx('checkpoints').insert(row).onConflict(['session_id', 'n']).ignore().returning('n')
      if (inserted.length === 0) continue
      news = true
      const repositories = await trx('project_repositories as p')
        .join('repositories as r', 'r.id', 'p.repository_id')
        .where({ 'p.project_id': session.project_id })
        .whereIn(
          'r.name',
          kept.repositories.map(({ name }) => name),
        )
        .select('r.id')
      const refs = repositories.map(({ id }) => ({ repository_id: id, session_id: session.id, n: kept.n }))
      if (refs.length > 0) await trx('checkpoint_refs').insert(refs).onConflict(['session_id', 'n', 'repository_id']).ignore()
    }
    return news
  },

  /** Newest first, below `before`. */
  async list(db: Knex, orgId: OrgId, sessionId: SessionId, before: number | null, limit: number): Promise<Checkpoint[]> {
    const rows: CheckpointRow[] = await db('checkpoints')
      .where({ org_id: orgId, session_id: sessionId })
      .modify((query) => {
        if (before !== null) query.andWhere('n', '<', before)
      })
      .orderBy('n', 'desc')
      .limit(limit)
    return rows.map(checkpointOf)
  },

  async find(db: Knex, sessionId: SessionId, n: number): Promise<CheckpointRow | null> {
    return (await db('checkpoints').where({ session_id: sessionId, n }).first()) ?? null
  },

  async newest(db: Knex, sessionId: SessionId): Promise<CheckpointRow | null> {
    return (await db('checkpoints').where({ session_id: sessionId }).orderBy('n', 'desc').first()) ?? null
  },

  /** Removes the rows of all but the newest `most` of each session and the newest of each day; what a fork has yet to begin with stays. */
  async prune(db: Knex, most: number): Promise<number> {
    const { rows } = await db.raw(
      `delete from checkpoints c using (
         select session_id, n, row_number() over (partition by session_id order by n desc) as place,
           row_number() over (partition by session_id, (at at time zone 'utc')::date order by n desc) as place_of_day
         from checkpoints
       ) o
       where o.session_id = c.session_id and o.n = c.n and o.place > :most and o.place_of_day > 1
         and not exists (
           select 1 from agent_sessions f where f.forked_from = c.session_id and f.forked_from_n = c.n and f.state <> 'stopped'
             and not exists (select 1 from checkpoints own where own.session_id = f.id)
         )
       returning c.n`,
      { most },
    )
    return rows.length
  },

  async strays(db: Knex, limit: number): Promise<StrayRefs[]> {
    const rows = await db('checkpoint_refs as f')
      .join('repositories as r', 'r.id', 'f.repository_id')
      .whereNotExists(db('checkpoints as c').whereRaw('c.session_id = f.session_id and c.n = f.n'))
      .orderBy(['f.repository_id', 'f.session_id', 'f.n'])
      .limit(limit)
      .select('r.org_id', 'f.repository_id', 'f.session_id', 'f.n')
    const found = new Map<RepositoryId, StrayRefs>()
    for (const { org_id: orgId, repository_id: repositoryId, session_id: sessionId, n } of rows) {
      const one: StrayRefs = found.get(repositoryId) ?? { repo: { orgId, repositoryId }, refs: [] }
      one.refs.push({ sessionId, n })
      found.set(repositoryId, one)
    }
    return [...found.values()]
  },

  async forget(db: Knex, { repo, refs }: StrayRefs): Promise<void> {
    for (const { sessionId, n } of refs)
      await db('checkpoint_refs').where({ repository_id: repo.repositoryId, session_id: sessionId, n }).delete()
  },
}
