import { dialectOf } from '@helix/contract/agents'
import type { EgressMode } from '@helix/contract/egress'
import { HelixError } from '@helix/contract/errors'
import type { SessionSpec } from '@helix/contract/hosts'
import type { HostId, OrgId, SessionId } from '@helix/contract/ids'
import { atLeast, type Rung } from '@helix/contract/isolation'
import type { SandboxRules } from '@helix/contract/projects'
import type { Knex } from 'knex'
import { keptOf } from '../checkpoints/kept.ts'
import { checkpointStore } from '../checkpoints/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mintSessionToken } from '../identity/tokens.ts'
import { machineToken } from '../machine/token.ts'
import { admit, hasPlaceOn, lockUnlessReserved } from '../placement/admit.ts'
import { SecretStore } from '../secrets/store.ts'
import { machineOf } from '../sessions/machine.ts'
import type { SessionRow } from '../sessions/store.ts'
import { answerableFor, orphaned } from './answerable.ts'
import { type HostRow, HostStore, lostAfter } from './store.ts'

export type ClaimOutcome = { outcome: 'claimed'; epoch: number; spec: SessionSpec } | { outcome: 'refused'; reason: string }

type ImageRow = Pick<SandboxRules, 'image'> & { image_login: SandboxRules['imageLogin'] }

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

/** Why this host may not have the session; null when it may. */
async function refusal(trx: Knex, session: SessionRow, claim: Claim): Promise<string | null> {
  if (session.state === 'stopped') return 'The session has stopped'
  const project = await trx('projects').where({ id: session.project_id, deleted_at: null }).first('minimum_rung', 'egress_mode')
  if (project === undefined) return 'The project was deleted'
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

/** What the image of the session's project is fetched with; null: its registry asks nobody who they are. */
async function imageLoginOf(trx: Knex, context: Context, session: SessionRow, project: ImageRow): Promise<SessionSpec['imageLogin']> {
  const { image, image_login: login } = project
  if (image === null || login === null) return null
  const password = await new SecretStore(context.db, context.sealing).valueOf(trx, session.org_id, session.project_id, login.secret)
  return password === null ? null : { ...login, password }
}

/** Nobody is asked to guess why a registry shows nothing. */
async function withoutSecret(trx: Knex, context: Context, session: SessionRow): Promise<string | null> {
  const project = (await trx('projects').where({ id: session.project_id }).first('image', 'image_login')) as ImageRow
  const { image, image_login: login } = project
  if (image === null || login === null || (await imageLoginOf(trx, context, session, project)) !== null) return null
  return `The image ${image} is fetched as ${login.user} with the secret ${login.secret}, which neither the project nor the organisation has: add it under Secrets, or change the project's settings (Sandbox)`
}

async function specOf(
  trx: Knex,
  context: Context,
  session: SessionRow,
  { epoch, token, model }: { epoch: number; token: string; model: string },
): Promise<SessionSpec> {
  const project = await trx('projects').where({ id: session.project_id }).first()
  const task = await trx('spec_tasks').where({ id: session.task_id }).first('base_branch', 'branch')
  const person = await trx('users').where({ id: session.started_by }).first('name', 'email')
  const org = await trx('organisations').where({ id: session.org_id }).first('slug')
  const rows = await trx('project_repositories as p')
    .join('repositories as r', 'r.id', 'p.repository_id')
    .where({ 'p.project_id': session.project_id })
    .orderBy('p.position')
    .select('r.id', 'r.name', 'r.default_branch')
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
    machine: machineOf(project, session.life_started_at),
    imageLogin: await imageLoginOf(trx, context, session, project),
    machineToken: machineToken(context.sealing, session.id, epoch),
    controlPlaneUrl: context.config.sessionUrl,
    token,
    gitIdentity: { name: person.name, email: person.email },
    startUp: project.start_up_script.trim() === '' ? null : { script: project.start_up_script, deadlineSeconds: project.start_up_seconds },
    kept: await keptOf(trx, session),
    secrets: await new SecretStore(context.db, context.sealing).ofSession(trx, session.org_id, session.project_id),
    repositories: rows.map((row, index) => ({
      id: row.id,
      name: row.name,
      clonePath: `/git/${org.slug}/${row.name}.git`,
      defaultBranch: row.default_branch,
      baseBranch: index === 0 && task !== undefined ? task.base_branch : row.default_branch,
      branch: task?.branch ?? `session/${session.id}`,
      primary: index === 0,
    })),
  }
}

/**
 * Places the session on the host that asks, in one transaction: it is the host's already, or has no home, or its home is lost. The epoch rises
 * with every new boot or start, and with it every older token and frame is worthless. Repeated by the same boot and epoch: the same answer.
 */
export async function claimSessionFor(context: Context, claim: Claim): Promise<ClaimOutcome> {
  const known = await context.db('agent_sessions').where({ id: claim.sessionId }).first('project_id', 'agent_runtime')
  if (known === undefined) throw new HelixError('not_found')
  const project = await context.db('projects').where({ id: known.project_id }).first('model')
  const model = project?.model ?? (await context.providers.defaultModel(dialectOf[known.agent_runtime as SessionRow['agent_runtime']]))
  const outcome = await context.db.transaction(async (trx): Promise<ClaimOutcome & { orgId?: OrgId }> => {
    const locked = await lockUnlessReserved(trx, claim.sessionId, claim.hostId)
    const session = (await trx('agent_sessions').where({ id: claim.sessionId }).forUpdate().first()) as SessionRow
    const reason = (await refusal(trx, session, claim)) ?? (await withoutSecret(trx, context, session))
    if (reason !== null) return { outcome: 'refused', reason }
    const person = await answerableFor(trx, session)
    if (person === null) {
      const gone = await trx('users').where({ id: session.started_by }).first('name')
      return { outcome: 'refused', reason: orphaned(gone?.name ?? 'The person') }
    }
    session.started_by = person
    const given = await admit(trx, session, claim.hostId, locked)
    if (given.refusal !== null) return { outcome: 'refused', reason: given.refusal }
    if (claim.epoch > session.epoch) throw new HelixError('epoch_outdated', `The session is at epoch ${session.epoch}.`)
    const again =
      session.host_id === claim.hostId &&
      session.host_boot_id === claim.bootId &&
      session.epoch === claim.epoch &&
      session.state === 'starting'
    const epoch = again ? session.epoch : session.epoch + 1
    await trx('agent_sessions').where({ id: session.id }).update({
      host_id: claim.hostId,
      host_boot_id: claim.bootId,
      epoch,
      state: 'starting',
      reason: null,
      started_by: person,
      memory_mb: given.memoryMb,
    })
    if (session.life_started_at === null) {
      session.life_started_at = new Date()
      session.kept_before = (await checkpointStore.newest(trx, session.id))?.n ?? 0
      const { life_started_at, kept_before } = session
      await trx('agent_sessions').where({ id: session.id }).update({ life_started_at, kept_before })
    }
    const token = await mintSessionToken(trx, { orgId: session.org_id, sessionId: session.id, epoch })
    await appendEvent(trx, session.org_id, {
      type: 'session.changed',
      projectId: session.project_id,
      sessionId: session.id,
      taskId: session.task_id,
      state: 'starting',
    })
    return { outcome: 'claimed', epoch, spec: await specOf(trx, context, session, { epoch, token, model }), orgId: session.org_id }
  })
  context.tunnels.claimed(claim.sessionId)
  if (outcome.orgId !== undefined) context.bus.wake(outcome.orgId)
  return outcome
}
