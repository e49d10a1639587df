import type { Knex } from 'knex'
import { silentAfter } from '../hosts/store.ts'

export const desktopStore = {
  /** Public URLs of the stream servers of hosts that are there. */
  async streamUrls(db: Knex): Promise<string[]> {
    const rows = await db('hosts')
      .whereRaw("last_seen_at > now() - make_interval(secs => ?) and report->'stream'->>'url' is not null", [2 * silentAfter])
      .select(db.raw("report->'stream'->>'url' as url"))
    return rows.map(({ url }) => url)
  },
}
