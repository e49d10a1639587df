import { idSchema } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { type Grantee, projectOfTask, roleOnDeletedProject, roleOnProject, roleOnRepository, roleOnSession } from './store.ts'

/** What a request is about, as its path says, for permission and audit. */
export interface Scope {
  kind: 'organisation' | 'project' | 'repository'
  /** Null: there is no such thing, or it is not to be seen. */
  role: Role | null
  projectId: string | null
}

const ids = {
  projectId: idSchema('project'),
  taskId: idSchema('task'),
  sessionId: idSchema('session'),
  repositoryId: idSchema('repository'),
}

/** Finds the caller's role where the request is about: the path's task, session, project or repository, else the organisation. */
export async function scopeOf(db: Knex, who: Grantee, params: Record<string, unknown>): Promise<Scope> {
  const given = (name: keyof typeof ids): boolean => params[name] !== undefined
  const none = { role: null, projectId: null }
  const session = ids.sessionId.safeParse(params.sessionId)
  if (!given('taskId') && session.success) return { kind: 'project', ...none, ...(await roleOnSession(db, who, session.data)) }
  if (given('taskId') || given('sessionId') || given('projectId')) {
    const projectId = await projectOf(db, who, params)
    if (projectId === null) return { kind: 'project', ...none }
    return { kind: 'project', role: await roleOnProject(db, who, projectId), projectId }
  }
  if (params.deletedProjectId !== undefined) {
    const id = ids.projectId.safeParse(params.deletedProjectId)
    return id.success
      ? { kind: 'project', role: await roleOnDeletedProject(db, who, id.data), projectId: id.data }
      : { kind: 'project', ...none }
  }
  if (given('repositoryId')) {
    const id = ids.repositoryId.safeParse(params.repositoryId)
    return { kind: 'repository', role: id.success ? await roleOnRepository(db, who, id.data) : null, projectId: null }
  }
  return { kind: 'organisation', role: who.orgRole, projectId: null }
}

async function projectOf(db: Knex, { orgId }: Grantee, params: Record<string, unknown>) {
  const task = ids.taskId.safeParse(params.taskId)
  if (task.success) return projectOfTask(db, orgId, task.data)
  return ids.projectId.safeParse(params.projectId).data ?? null
}
