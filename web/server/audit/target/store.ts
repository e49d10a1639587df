import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'

/** What things are called, by the kind that a path's parameter says. All of them have `org_id`. */
const names: Record<string, [table: string, column: string]> = {
  team: ['teams', 'name'],
  project: ['projects', 'name'],
  task: ['spec_tasks', 'title'],
  repository: ['repositories', 'name'],
  apiKey: ['api_keys', 'name'],
  connection: ['connections', 'name'],
  invitation: ['invitations', 'email'],
  provider: ['providers', 'name'],
  mcpServer: ['mcp_servers', 'name'],
}

export interface Before {
  name?: string
  /** A person's, in the organisation. */
  role?: string
}

/** How the target of a call is called before the call changes it, or takes it away. */
export async function targetBefore(db: Knex, orgId: OrgId, kind: string, id: string): Promise<Before> {
  if (kind === 'user') {
    const people = db('memberships as m').join('users as u', 'u.id', 'm.user_id').where({ 'm.org_id': orgId, 'm.user_id': id })
    return (await people.first('u.name', 'm.role')) ?? {}
  }
  // Hosts are the installation's.
  if (kind === 'host') return (await db('hosts').where({ id }).first('name')) ?? {}
  const [table, column] = names[kind] ?? []
  if (table === undefined || column === undefined) return {}
  const row = await db(table).where({ org_id: orgId, id }).first(column)
  return row === undefined ? {} : { name: row[column] }
}
