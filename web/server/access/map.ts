import type { ProjectId, RepositoryId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'

export interface AccessRows {
  people: { user_id: UserId; role: Role }[]
  projects: { id: ProjectId; visibility: string }[]
  /** One row for each person with a grant, by themselves or by a team; null for a team without people. */
  grantees: { project_id: ProjectId; user_id: UserId | null }[]
  repositories: { id: RepositoryId; project_id: ProjectId | null }[]
}

/** What an event is about; what is absent does not limit who sees it. */
export interface Place {
  projectId?: string
  repositoryId?: string
  userId?: string | null
}

const everybody = 'everybody'

/** Who may see what in one organisation, at one moment, for all its people: a stream asks it for every event. */
export class AccessMap {
  private readonly roles: ReadonlyMap<string, Role>
  private readonly projects = new Map<string, typeof everybody | Set<string>>()
  private readonly repositories = new Map<string, string[]>()

  constructor(rows: AccessRows) {
    this.roles = new Map(rows.people.map((row) => [row.user_id, row.role]))
    for (const { id, visibility } of rows.projects) this.projects.set(id, visibility === 'organisation' ? everybody : new Set())
    for (const { project_id, user_id } of rows.grantees) {
      const people = this.projects.get(project_id)
      if (people instanceof Set && user_id !== null) people.add(user_id)
    }
    for (const { id, project_id } of rows.repositories) {
      const projects = this.repositories.get(id) ?? []
      this.repositories.set(id, project_id === null ? projects : [...projects, project_id])
    }
  }

  roleOf(userId: string): Role | null {
    return this.roles.get(userId) ?? null
  }

  /** False: it was made after this map was read, or is gone. */
  knows({ projectId, repositoryId }: Place): boolean {
    return (projectId === undefined || this.projects.has(projectId)) && (repositoryId === undefined || this.repositories.has(repositoryId))
  }

  /** What is gone is asked for once, not again for each of its late events. */
  forget({ projectId, repositoryId }: Place): void {
    if (projectId !== undefined && !this.projects.has(projectId)) this.projects.set(projectId, new Set())
    if (repositoryId !== undefined && !this.repositories.has(repositoryId)) this.repositories.set(repositoryId, [projectId ?? ''])
  }

  /** Owners and administrators see everything; what belongs to one person is theirs alone. */
  shows(userId: string, role: Role, place: Place): boolean {
    if (place.userId !== undefined && place.userId !== null && place.userId !== userId) return false
    if (role === 'owner' || role === 'admin') return true
    if (place.projectId !== undefined) return this.showsProject(userId, place.projectId)
    return place.repositoryId === undefined || this.showsRepository(userId, place.repositoryId)
  }

  private showsProject(userId: string, projectId: string): boolean {
    const people = this.projects.get(projectId)
    return people === everybody || (people?.has(userId) ?? false)
  }

  /** A repository that no project has is the organisation's. */
  private showsRepository(userId: string, repositoryId: string): boolean {
    const projects = this.repositories.get(repositoryId)
    if (projects === undefined) return false
    return projects.length === 0 || projects.some((projectId) => this.showsProject(userId, projectId))
  }
}
