import type { Knex } from 'knex'
import * as identity from './0001-identity.ts'
import * as repositories from './0002-repositories.ts'
import * as tasks from './0003-tasks.ts'
import * as sessions from './0004-sessions.ts'
import * as events from './0005-events.ts'
import * as access from './0006-access.ts'
import * as signIn from './0007-sign-in.ts'
import * as projects from './0008-projects.ts'
import * as board from './0009-board.ts'
import * as conversation from './0010-conversation.ts'
import * as review from './0011-review.ts'
import * as inbox from './0012-inbox.ts'
import * as onboarding from './0013-onboarding.ts'
import * as questions from './0014-questions.ts'
import * as archive from './0015-archive.ts'
import * as sandboxRules from './0020-sandbox-rules.ts'
import * as auditTruncate from './0022-audit-truncate.ts'
import * as placement from './0030-placement.ts'
import * as hostCredentials from './0031-host-credentials.ts'
import * as machine from './0032-machine.ts'
import * as tunnels from './0032-tunnels.ts'
import * as checkpointLives from './0034-checkpoint-lives.ts'
import * as checkpoints from './0034-checkpoints.ts'
import * as pushOrganisations from './0035-push-organisations.ts'
import * as hostProtocol from './0037-host-protocol.ts'
import * as imageLogin from './0038-image-login.ts'
import * as desktop from './0039-desktop.ts'
import * as recordings from './0040-recordings.ts'
import * as startsUnderWay from './0041-starts-under-way.ts'
import * as ownSize from './0042-sessions-of-their-own-size.ts'
import * as inboxOfSessions from './0043-inbox-of-sessions.ts'
import * as usage from './0044-usage.ts'
import * as gatewayObjects from './0045-gateway-objects.ts'
import * as budgets from './0046-budgets.ts'
import * as providers from './0048-providers.ts'
import * as ownProviders from './0049-own-providers.ts'
import * as mcpServers from './0051-mcp-servers.ts'

/**
 * Migrations by explicit list: a folder scan cannot load `.ts` under every runner and records file extensions.
 * Ids are TypeIDs in text columns, every row of a tenant carries `org_id` or hangs on one that does, times are timestamptz.
 */
const list: [string, Knex.Migration][] = [
  ['0001-identity', identity],
  ['0002-repositories', repositories],
  ['0003-tasks', tasks],
  ['0004-sessions', sessions],
  ['0005-events', events],
  ['0006-access', access],
  ['0007-sign-in', signIn],
  ['0008-projects', projects],
  ['0009-board', board],
  ['0010-conversation', conversation],
  ['0011-review', review],
  ['0012-inbox', inbox],
  ['0013-onboarding', onboarding],
  ['0014-questions', questions],
  ['0015-archive', archive],
  ['0020-sandbox-rules', sandboxRules],
  ['0022-audit-truncate', auditTruncate],
  ['0030-placement', placement],
  ['0031-host-credentials', hostCredentials],
  ['0032-machine', machine],
  ['0032-tunnels', tunnels],
  ['0034-checkpoints', checkpoints],
  ['0034-checkpoint-lives', checkpointLives],
  ['0035-push-organisations', pushOrganisations],
  ['0037-host-protocol', hostProtocol],
  ['0038-image-login', imageLogin],
  ['0039-desktop', desktop],
  ['0040-recordings', recordings],
  ['0041-starts-under-way', startsUnderWay],
  ['0042-sessions-of-their-own-size', ownSize],
  ['0043-inbox-of-sessions', inboxOfSessions],
  ['0044-usage', usage],
  ['0045-gateway-objects', gatewayObjects],
  ['0046-budgets', budgets],
  ['0048-providers', providers],
  ['0049-own-providers', ownProviders],
  ['0051-mcp-servers', mcpServers],
]

export const migrations: Knex.MigrationSource<[string, Knex.Migration]> = {
  getMigrations: async () => list,
  getMigrationName: ([name]) => name,
  getMigration: async ([, migration]) => migration,
}

/** The migration with the highest number: `/readyz` compares it with the database. */
export const newestMigration =
  list
    .map(([name]) => name)
    .toSorted()
    .at(-1) ?? ''
