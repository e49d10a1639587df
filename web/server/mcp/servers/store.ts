import type { McpServerId, OrgId, ProjectId, UserId } from '@helix/contract/ids'
import type { McpServer, McpServerChange, McpServerInput } from '@helix/contract/mcp-servers'
import type { Knex } from 'knex'
import { newId } from '../../context.ts'
import type { SealingKeys } from '../../secrets/seal.ts'
import { SecretStore } from '../../secrets/store.ts'
import type { ToolPolicy } from '../policy.ts'

interface ServerRow {
  id: McpServerId
  name: string
  url: string
  headers: McpServer['headers']
  allowed_tools: string[] | null
  denied_tools: string[]
  time_limit_seconds: number
  max_request_mb: number
  max_answer_mb: number
  enabled: boolean
  changed_at: Date
  person: string | null
}

/** A server as it is asked: with the values of its headers. */
export interface OpenServer extends ToolPolicy {
  name: string
  url: string
  headers: Readonly<Record<string, string>>
  /** What must be in no answer. */
  secrets: readonly { name: string; value: string }[]
  /** Names of secrets that are not there. */
  missing: readonly string[]
  timeLimitMs: number
  maxRequestBytes: number
  maxAnswerBytes: number
}

const mega = 1024 ** 2

const columnsOf = (values: Partial<McpServerInput>) => ({
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values.url === undefined ? {} : { url: values.url }),
  ...(values.headers === undefined ? {} : { headers: JSON.stringify(values.headers) }),
  ...(values.allowedTools === undefined ? {} : { allowed_tools: values.allowedTools && JSON.stringify(values.allowedTools) }),
  ...(values.deniedTools === undefined ? {} : { denied_tools: JSON.stringify(values.deniedTools) }),
  ...(values.timeLimitSeconds === undefined ? {} : { time_limit_seconds: values.timeLimitSeconds }),
  ...(values.maxRequestMb === undefined ? {} : { max_request_mb: values.maxRequestMb }),
  ...(values.maxAnswerMb === undefined ? {} : { max_answer_mb: values.maxAnswerMb }),
  ...(values.enabled === undefined ? {} : { enabled: values.enabled }),
})

/** MCP servers of projects. Values of their headers are secrets of the project, read for asking the server alone. */
export class McpServerStore {
  private readonly db: Knex
  private readonly secrets: SecretStore

  constructor(db: Knex, keys: SealingKeys) {
    this.db = db
    this.secrets = new SecretStore(db, keys)
  }

  private of(db: Knex, orgId: OrgId, projectId: ProjectId) {
    return db('mcp_servers').where({ 'mcp_servers.org_id': orgId, 'mcp_servers.project_id': projectId })
  }

  async list(orgId: OrgId, projectId: ProjectId): Promise<McpServer[]> {
    const rows: ServerRow[] = await this.of(this.db, orgId, projectId)
      .leftJoin('users as u', 'u.id', 'mcp_servers.changed_by')
      .orderBy('mcp_servers.name')
      .select('mcp_servers.*', 'u.name as person')
    const known = await this.secretNames(orgId, projectId)
    return rows.map((row) => shown(row, known))
  }

  async find(orgId: OrgId, projectId: ProjectId, id: McpServerId): Promise<McpServer | null> {
    return (await this.list(orgId, projectId)).find((server) => server.id === id) ?? null
  }

  async secretNames(orgId: OrgId, projectId: ProjectId): Promise<Set<string>> {
    return new Set((await this.secrets.list(orgId, projectId)).map(({ name }) => name))
  }

  /** Null: the project has one of this name. */
  async insert(orgId: OrgId, projectId: ProjectId, values: McpServerInput, actorId: UserId): Promise<McpServerId | null> {
    const id = newId('mcpServer')
    const made = await this.db('mcp_servers')
      .insert({ id, org_id: orgId, project_id: projectId, changed_by: actorId, ...columnsOf(values) })
      .onConflict(['project_id', 'name'])
      .ignore()
      .returning('id')
    return made.length === 1 ? id : null
  }

  /** `gone`: there is no such server, or it is not the expected one any more; `taken`: another one has the name. */
  async update(
    { orgId, projectId, id }: { orgId: OrgId; projectId: ProjectId; id: McpServerId },
    { expectedChangedAt, ...change }: McpServerChange,
    actorId: UserId,
  ): Promise<'done' | 'gone' | 'taken'> {
    const row = this.of(this.db, orgId, projectId).where({ id })
    if (expectedChangedAt !== undefined) row.whereRaw("date_trunc('milliseconds', changed_at) = ?", [expectedChangedAt])
    try {
      const values = columnsOf(change as Partial<McpServerInput>)
      return (await row.update({ ...values, changed_by: actorId, changed_at: this.db.fn.now() })) === 1 ? 'done' : 'gone'
    } catch (error) {
      if ((error as { code?: string }).code === '23505') return 'taken'
      throw error
    }
  }

  async remove(orgId: OrgId, projectId: ProjectId, id: McpServerId): Promise<boolean> {
    return (await this.of(this.db, orgId, projectId).where({ id }).delete()) === 1
  }

  /** What agents of the project are told, by name. */
  async namesOf(trx: Knex, orgId: OrgId, projectId: ProjectId): Promise<string[]> {
    const rows = await this.of(trx, orgId, projectId).where({ enabled: true }).orderBy('name').select('name')
    return rows.map(({ name }) => name)
  }

  /** Null: the project has none of this name or id that is switched on. */
  async open(orgId: OrgId, projectId: ProjectId, which: { name: string } | { id: McpServerId }): Promise<OpenServer | null> {
    const rows = this.of(this.db, orgId, projectId).where(which)
    const row: ServerRow | undefined = await ('name' in which ? rows.andWhere({ enabled: true }) : rows).first()
    if (row === undefined) return null
    const headers: Record<string, string> = {}
    const secrets: { name: string; value: string }[] = []
    const missing: string[] = []
    for (const { name, prefix, secret } of row.headers) {
      const value = await this.secrets.valueOf(this.db, orgId, projectId, secret)
      if (value === null) missing.push(secret)
      else {
        headers[name.toLowerCase()] = `${prefix}${value.trim()}`
        secrets.push({ name: secret, value: value.trim() })
      }
    }
    return {
      ...{ name: row.name, url: row.url, headers, secrets, missing },
      ...{ allowedTools: row.allowed_tools, deniedTools: row.denied_tools, timeLimitMs: row.time_limit_seconds * 1000 },
      ...{ maxRequestBytes: row.max_request_mb * mega, maxAnswerBytes: row.max_answer_mb * mega },
    }
  }
}

const shown = (row: ServerRow, known: ReadonlySet<string>): McpServer => ({
  ...{ id: row.id, name: row.name, url: row.url, headers: row.headers, allowedTools: row.allowed_tools, deniedTools: row.denied_tools },
  ...{ timeLimitSeconds: row.time_limit_seconds, maxRequestMb: row.max_request_mb, maxAnswerMb: row.max_answer_mb },
  ...{ enabled: row.enabled, changedBy: row.person, changedAt: row.changed_at.toISOString() },
  missingSecrets: [...new Set(row.headers.map(({ secret }) => secret).filter((secret) => !known.has(secret)))],
})
