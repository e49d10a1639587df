import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@helix/contract/client'
import type { UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import { type Project, type ReviewRules, updateProject } from '@helix/contract/projects'
import { getRepository } from '@helix/contract/repositories'
import { getSpec, type Spec } from '@helix/contract/reviews'
import type { Task } from '@helix/contract/tasks'
import { newId } from '../context.ts'
import { clientGit, commitFiles } from '../git/testing.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import type { Person, TestServer } from '../testing/server.ts'

/** Another person of the same organisation. */
export async function addColleague(server: TestServer, { orgId }: Person, role: Role, name: string): Promise<Person & { name: string }> {
  const userId: UserId = newId('user')
  await server.context.db('users').insert({ id: userId, email: `${userId}@example.com`, name })
  await server.context.db('memberships').insert({ org_id: orgId, user_id: userId, role })
  const { secret } = await new IdentityStore(server.context.db).createApiKey(orgId, userId, 'test')
  return { orgId, userId, name, apiKey: secret, call: createClient({ baseUrl: server.url, token: secret }) }
}

/** A task whose spec is in review, with a clone that pushes as an agent does. */
export class ReviewedTask {
  readonly server: TestServer
  readonly owner: Person
  readonly project: Project
  readonly task: Task
  private readonly clone: string
  private step = 1

  private constructor(server: TestServer, owner: Person, project: Project, task: Task, clone: string) {
    this.server = server
    this.owner = owner
    this.project = project
    this.task = task
    this.clone = clone
  }

  static async open(server: TestServer, owner: Person, folder: string): Promise<ReviewedTask> {
    const project = await addProject(owner)
    const task = await addTask(owner, project)
    const repository = await owner.call(getRepository, { params: { repositoryId: project.repositories[0]?.id as never } })
    const remote = `${server.url.replace('://', `://helix:${owner.apiKey}@`)}${repository.clonePath}`
    await clientGit(folder, 'clone', '-q', remote, task.id)
    const made = new ReviewedTask(server, owner, project, task, join(folder, task.id))
    await made.push({ requirements: '# One\n\nGreet the person.\n', design: '# Design\n\nOne function.\n', tasks: '- [ ] a\n' })
    await writeStep(server, task.id, 1, 'backlog', 'spec_review')
    return made
  }

  get params(): { taskId: Task['id'] } {
    return { taskId: this.task.id }
  }

  async push(documents: Record<string, string>): Promise<string> {
    const specs = join(this.clone, this.task.specFolder)
    await clientGit(this.clone, 'fetch', '-q', 'origin')
    const there = await clientGit(this.clone, 'branch', '-r', '--list', 'origin/helix-specs')
    await clientGit(this.clone, 'checkout', '-q', '-B', 'helix-specs', ...(there === '' ? [] : ['origin/helix-specs']))
    await mkdir(specs, { recursive: true })
    const files = Object.fromEntries(Object.entries(documents).map(([name, text]) => [join(this.task.specFolder, `${name}.md`), text]))
    const commit = await commitFiles(this.clone, files, 'specs')
    await clientGit(this.clone, 'push', '-q', 'origin', 'helix-specs')
    return commit
  }

  spec(revision?: number, who: Person = this.owner): Promise<Spec> {
    return who.call(getSpec, { params: this.params, query: { revision } })
  }

  async rules(rules: Partial<ReviewRules>): Promise<void> {
    await this.owner.call(updateProject, { params: { projectId: this.project.id }, body: rules })
  }

  /** An approval as the workflow writes it. */
  approve(who: Person, commit: string) {
    return this.decide(who, commit, 'approve_spec', 'approved', 'queued_implementation')
  }

  decide(
    who: Person,
    commit: string,
    cause: string,
    verdict: 'approved' | 'changes_requested' | 'rejected',
    to: 'queued_implementation' | 'planning' | 'backlog',
  ) {
    const review = { verdict, commit, note: 'Because' }
    return writeStep(this.server, this.task.id, this.step + 1, 'spec_review', to, {
      cause,
      expectSpecCommit: commit,
      review,
      actorId: who.userId,
    })
  }
}
