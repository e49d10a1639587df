import { dialectOf } from '@helix/contract/agents'
import type { EgressMode } from '@helix/contract/egress'
import { HelixError } from '@helix/contract/errors'
import type { SessionSpec } from '@helix/contract/hosts'
import type { HostId, OrgId, SessionId } from '@helix/contract/ids'
import { atLeast, type Rung } from '@helix/contract/isolation'
import { mcpServerPath } from '@helix/contract/mcp-servers'
import type { Knex } from 'knex'
import { keptOf } from '../checkpoints/kept.ts'
import { checkpointStore } from '../checkpoints/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mintSessionToken } from '../identity/tokens.ts'
import { machineToken } from '../machine/token.ts'
import { McpServerStore } from '../mcp/servers/store.ts'
import { admit, hasPlaceOn, lockUnlessReserved } from '../placement/admit.ts'
import { SecretStore } from '../secrets/store.ts'
import { machineOf, ownMachine } from '../sessions/machine.ts'
import type { SessionRow } from '../sessions/store.ts'
import { type Answerable, answerableFor, orphaned } from './answerable.ts'
import { type ImageRow, imageLoginOf, withoutSecret } from './image-login.ts'
import { type HostRow, HostStore, lostAfter } from './store.ts'

export type ClaimOutcome = { outcome: 'claimed'; epoch: number; spec: SessionSpec } | { outcome: 'refused'; reason: string }

interface Claim {
  hostId: HostId
  sessionId: SessionId
  bootId: string
  epoch: number
}

/** What the project asks of a host and this one does not give; null: nothing. */
function unfitness(host: HostRow, project: { minimum_rung: Rung | null; egress_mode: EgressMode }): string | null {
  const { minimum_rung: wanted, egress_mode: mode } = project
  const given = host.report?.rung ?? 'unknown'
  if (wanted !== null && !atLeast(given, wanted))
    return `The project asks for isolation "${wanted}" or stronger; ${host.name} gives "${given}"`
  if (mode !== 'open' && host.report?.filtered !== true)
    return `The project limits what sessions reach, and ${host.name} cannot keep them from anything`
  return null
}

/** The project as a start of its session needs it. */
type ProjectRow = Parameters<typeof machineOf>[0] &
  ImageRow & {
    minimum_rung: Rung | null
    egress_mode: EgressMode
    egress_domains: string[]
    permission_mode: SessionSpec['permissionMode']
    start_up_script: string
    start_up_seconds: number
    org_slug: string
  }

/** Null: it was deleted. */
async function projectOf(trx: Knex, { project_id: id }: SessionRow): Promise<ProjectRow | null> {
  const row = trx('projects as p').join('organisations as o', 'o.id', 'p.org_id').where({ 'p.id': id, 'p.deleted_at': null })
  return (await row.first('p.*', 'o.slug as org_slug')) ?? null
}

/** Why this host may not have the session; null when it may. */
async function refusal(trx: Knex, session: SessionRow, project: ProjectRow | null, claim: Claim): Promise<string | null> {
  if (session.state === 'stopped') return 'The session has stopped'
  if (project === null) return 'The project was deleted'
  const hosts = new HostStore(trx)
  const host = await hosts.find(claim.hostId)
  if (host === null || host.boot_id !== claim.bootId) return 'This host has not connected with this boot'
  if (host.report?.problem != null) return `The sandbox host cannot run sessions: ${host.report.problem}`
  const unfit = unfitness(host, project)
  if (unfit !== null) return unfit
  if (session.host_id === null || session.host_id === claim.hostId) return null
  const home = await hosts.find(session.host_id)
  const stays = home !== null && home.silent_for < lostAfter && !(home.admission === 'draining' && !hasPlaceOn(session, home.id))
  const barred = home?.group_org_id != null && home.group_org_id !== session.org_id
  return stays && !barred ? 'The session lives on another host' : null
}

interface Granted {
  session: SessionRow
  project: ProjectRow
  person: Answerable
  epoch: number
  token: string
  model: string
}

const nothingKept: SessionSpec['kept'] = { last: 0, from: null, turn: null }

async function specOf(trx: Knex, context: Context, { session, project, person, epoch, token, model }: Granted): Promise<SessionSpec> {
  const task = session.task_id === null ? undefined : await trx('spec_tasks').where({ id: session.task_id }).first('base_branch', 'branch')
  const rows = await trx('project_repositories as p')
    .join('repositories as r', 'r.id', 'p.repository_id')
    .where({ 'p.project_id': session.project_id })
    .orderBy('p.position')
    .select('r.id', 'r.name', 'r.default_branch')
  const mcpNames = await new McpServerStore(context.db, context.sealing).namesOf(trx, session.org_id, session.project_id)
  return {
    sessionId: session.id,
    orgId: session.org_id,
    projectId: session.project_id,
    taskId: session.task_id,
    agentRuntime: session.agent_runtime,
    model,
    demo: session.demo,
    permissionMode: project.permission_mode,
    egress: { mode: project.egress_mode, domains: project.egress_domains },
    machine: machineOf(ownMachine(project, session), session.life_started_at),
    imageLogin: await imageLoginOf(trx, context, session, project),
    machineToken: machineToken(context.sealing, session.id, epoch),
    controlPlaneUrl: context.config.sessionUrl,
    token,
    gitIdentity: { name: person.name, email: person.email },
    startUp: project.start_up_script.trim() === '' ? null : { script: project.start_up_script, deadlineSeconds: project.start_up_seconds },
    kept: isNew(session) && session.forked_from === null ? nothingKept : await keptOf(trx, session),
    ...(mcpNames.length === 0 ? {} : { mcpServers: mcpNames.map((name) => ({ name, path: mcpServerPath(name) })) }),
    secrets: await new SecretStore(context.db, context.sealing).ofSession(trx, session.org_id, session.project_id),
    repositories: rows.map((row, index) => ({
      id: row.id,
      name: row.name,
      clonePath: `/git/${project.org_slug}/${row.name}.git`,
      defaultBranch: row.default_branch,
      baseBranch: index === 0 && task !== undefined ? task.base_branch : row.default_branch,
      branch: task?.branch ?? `session/${session.id}`,
      primary: index === 0,
    })),
  }
}

/** It was never claimed: nothing of an earlier start can be there. */
const isNew = ({ epoch }: Pick<SessionRow, 'epoch'>): boolean => epoch === 0

/** Writes down that the session starts on this host; the row is what it becomes. */
async function begin(trx: Knex, session: SessionRow, claim: Claim, memoryMb: number | null): Promise<{ epoch: number; again: boolean }> {
  const again =
    session.host_id === claim.hostId &&
    session.host_boot_id === claim.bootId &&
    session.epoch === claim.epoch &&
    session.state === 'starting'
  const epoch = again ? session.epoch : session.epoch + 1
  if (session.life_started_at === null) {
    session.life_started_at = new Date()
    session.kept_before = isNew(session) ? 0 : ((await checkpointStore.newest(trx, session.id))?.n ?? 0)
  }
  const { started_by, life_started_at, kept_before } = session
  const where = { host_id: claim.hostId, host_boot_id: claim.bootId, epoch, state: 'starting', reason: null, memory_mb: memoryMb }
  await trx('agent_sessions')
    .where({ id: session.id })
    .update({ ...where, started_by, life_started_at, kept_before })
  return { epoch, again }
}

/**
 * Places the session on the host that asks, in one transaction: it is the host's already, or has no home, or its home is lost. The epoch rises
 * with every new boot or start, and with it every older token and frame is worthless. Repeated by the same boot and epoch: the same answer.
 */
export async function claimSessionFor(context: Context, claim: Claim): Promise<ClaimOutcome> {
  const known = await context
    .db('agent_sessions as s')
    .leftJoin('projects as p', 'p.id', 's.project_id')
    .where({ 's.id': claim.sessionId })
    .first('s.agent_runtime', 's.org_id', 's.started_by', 'p.id as project_id', 'p.model')
  if (known === undefined) throw new HelixError('not_found')
  const who = { orgId: known.org_id, projectId: known.project_id, userId: known.started_by }
  const spoken = dialectOf[known.agent_runtime as SessionRow['agent_runtime']] === 'openai' ? 'chat' : 'messages'
  const model = known.model ?? (await context.catalogue.defaultModel(who, spoken))
  const outcome = await context.db.transaction(async (trx): Promise<ClaimOutcome & { orgId?: OrgId }> => {
    const locked = await lockUnlessReserved(trx, claim.sessionId, claim.hostId)
    const session = (await trx('agent_sessions').where({ id: claim.sessionId }).forUpdate().first()) as SessionRow
    const project = await projectOf(trx, session)
    const reason = (await refusal(trx, session, project, claim)) ?? (project && (await withoutSecret(trx, context, session, project)))
    if (reason !== null || project === null) return { outcome: 'refused', reason: reason ?? '' }
    const person = await answerableFor(trx, session)
    if (person === null) {
      const gone = await trx('users').where({ id: session.started_by }).first('name')
      return { outcome: 'refused', reason: orphaned(gone?.name ?? 'The person') }
    }
    session.started_by = person.id
    const given = await admit(trx, session, claim.hostId, locked)
    if (given.refusal !== null) return { outcome: 'refused', reason: given.refusal }
    if (claim.epoch > session.epoch) throw new HelixError('epoch_outdated', `The session is at epoch ${session.epoch}.`)
    const { epoch, again } = await begin(trx, session, claim, given.memoryMb)
    const { id: sessionId, org_id: orgId, project_id: projectId, task_id: taskId } = session
    const token = await mintSessionToken(trx, { orgId, sessionId, epoch, first: isNew(session) && !again })
    await appendEvent(trx, orgId, { type: 'session.changed', projectId, sessionId, taskId, state: 'starting' })
    return { outcome: 'claimed', epoch, spec: await specOf(trx, context, { session, project, person, epoch, token, model }), orgId }
  })
  context.tunnels.claimed(claim.sessionId)
  if (outcome.orgId !== undefined) context.bus.wake(outcome.orgId)
  return outcome
}
