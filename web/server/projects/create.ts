import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { ProjectId } from '@helix/contract/ids'
import type { createProject, Project } from '@helix/contract/projects'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import { applyParsed, type ParsedConfig } from './config/apply.ts'
import { ProjectStore } from './store.ts'

/** The agent that is best at home with what there is: Claude Code where only Anthropic is spoken, else Goose. */
async function defaultRuntime({ catalogue }: Context, { orgId, userId }: Actor): Promise<Project['agentRuntime']> {
  const providers = (await catalogue.snapshotOf(orgId)).providersOf(userId)
  return providers.length > 0 && providers.every(({ kind }) => kind === 'anthropic') ? 'claude_code' : 'goose_code'
}

/** The project, and what its helix.yaml says, in one transaction: a file that cannot be applied leaves no half-made project. */
export async function insertProject(
  context: Context,
  actor: Actor,
  body: BodyOf<typeof createProject>,
  config: ParsedConfig | null,
): Promise<ProjectId> {
  const store = new ProjectStore(context.db)
  const known = await store.knownRepositories(actor.orgId, body.repositoryIds)
  const missing = body.repositoryIds.find((id) => !known.has(id))
  if (missing !== undefined)
    throw new HelixError('invalid_request', `repositoryIds: ${missing} is not a repository of this organisation`, {
      fields: { repositoryIds: 'unknown repository' },
    })
  const project = {
    ...body,
    repositoryIds: [...new Set(body.repositoryIds)],
    agentRuntime: body.agentRuntime ?? (await defaultRuntime(context, actor)),
  }
  const id = await context.db.transaction(async (trx) => {
    const made = await store.insert(trx, actor.orgId, project)
    if (config !== null) await applyParsed(context, trx, actor, made, config, undefined)
    await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId: made })
    return made
  })
  context.bus.wake(actor.orgId)
  return id
}
