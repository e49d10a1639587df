import type { OrgId } from '@helix/contract/ids'
import { listOrganisations, switchOrganisation } from '@helix/contract/organisations'
import { listProjects, type Project } from '@helix/contract/projects'
import { listRepositories } from '@helix/contract/repositories'
import { getSystem } from '@helix/contract/system'
import { listTasks, type TaskCard } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { routes } from '#lib/routes.ts'
import { sections } from '#lib/settings/sections.ts'
import { statusLooks } from '#lib/tasks/status.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import type { Entry } from './rank.ts'

const actions: Entry[] = [
  { key: 'inbox', label: 'Inbox', detail: 'what needs you: reviews questions failures', group: 'Go to', href: routes.inbox() },
  { key: 'projects', label: 'Projects', detail: 'go to', group: 'Go to', href: routes.projects() },
  { key: 'repositories', label: 'Repositories', detail: 'go to', group: 'Go to', href: routes.repositories() },
  { key: 'sandboxes', label: 'Sandboxes', detail: 'fleet hosts machines queue places load', group: 'Go to', href: routes.sandboxes() },
  { key: 'usage', label: 'Usage', detail: 'cost tokens models money spent', group: 'Go to', href: routes.usage() },
  { key: 'playground', label: 'Playground', detail: 'try ask a model', group: 'Go to', href: routes.playground() },
  ...sections.map(({ key, label, group, keywords }) => ({
    key: `settings-${key}`,
    label: `Settings: ${label}`,
    detail: `${group} ${keywords ?? ''}`.trim().toLowerCase(),
    group: 'Go to',
    href: routes.settings(key),
  })),
  {
    key: 'welcome',
    label: 'Getting started',
    detail: 'first steps to a merged task: provider repository host',
    group: 'Go to',
    href: routes.welcome(),
  },
  { key: 'new-project', label: 'New project', detail: 'create', group: 'Act', href: routes.newProject() },
]

const installation: Entry = {
  key: 'admin',
  label: 'Installation',
  detail: 'health admin database temporal workers retries versions',
  group: 'Go to',
  href: routes.admin(),
}

/** How many tasks of a project are read beforehand; of those with more, the server looks for the others. */
const newest = 200

export interface Read {
  entries: Entry[]
  /** The projects with more tasks than were read. */
  long: Project[]
}

const taskEntry = (project: Project, task: TaskCard): Entry => ({
  key: task.id,
  label: `#${task.number} ${task.title}`,
  detail: `${project.name} · ${statusLooks[task.status].word}`,
  group: 'Tasks',
  href: routes.task(task.id),
})

async function ofProject(project: Project): Promise<Read> {
  const { items, nextCursor } = await call(listTasks, { params: { projectId: project.id }, query: { limit: newest } })
  const settings = {
    key: `settings-${project.id}`,
    label: `Settings of ${project.name}`,
    detail: 'project agents automation members secrets',
    group: 'Go to',
    href: routes.projectSettings(project.id),
  }
  const entries = [
    { key: `new-${project.id}`, label: `New task in ${project.name}`, detail: 'create', group: 'Act', href: routes.newTask(project.id) },
    { key: project.id, label: project.name, detail: 'project', group: 'Projects', href: routes.board(project.id) },
    ...items.map((task) => taskEntry(project, task)),
    settings,
  ]
  return { entries, long: nextCursor === null ? [] : [project] }
}

/** Tasks with these words that were not read beforehand. */
export async function findTasks({ entries, long }: Read, find: string): Promise<Entry[]> {
  const known = new Set(entries.map(({ key }) => key))
  const found = await Promise.all(
    long.map(async (project) => {
      const { items } = await call(listTasks, { params: { projectId: project.id }, query: { find: find.slice(0, 200), limit: 20 } })
      return items.filter(({ id }) => !known.has(id)).map((task) => taskEntry(project, task))
    }),
  )
  return found.flat()
}

/** The whole page is read anew: nothing of the other organisation stays in it. */
async function change(organisationId: OrgId): Promise<void> {
  try {
    await call(switchOrganisation, { body: { organisationId } })
    location.assign(routes.home())
  } catch (error) {
    toasts.fail(failureOf(error))
  }
}

async function otherOrganisations(own: string): Promise<Entry[]> {
  const { items } = await call(listOrganisations, {})
  return items
    .filter(({ id }) => id !== own)
    .map(({ id, name }) => ({ key: id, label: `Switch to ${name}`, detail: 'organisation', group: 'Act', run: () => void change(id) }))
}

const order = ['Act', 'Projects', 'Tasks', 'Repositories', 'Go to']

/** Everything the palette can go to, read when it opens. `own`: the organisation that is shown. */
export async function readEntries(own: string): Promise<Read> {
  const [projects, repositories, system, organisations] = await Promise.all([
    call(listProjects, { query: { limit: 100 } }),
    call(listRepositories, { query: { limit: 200 } }),
    call(getSystem, {}),
    otherOrganisations(own),
  ])
  const perProject = await Promise.all(projects.items.map(ofProject))
  const repositoryEntries = repositories.items.map((repository) => ({
    key: repository.id,
    label: repository.name,
    detail: 'repository',
    group: 'Repositories',
    href: routes.repository(repository.id),
  }))
  const entries = [
    ...perProject.flatMap((read) => read.entries),
    ...repositoryEntries,
    ...organisations,
    ...actions,
    ...(system.runsInstallation ? [installation] : []),
  ]
  return {
    entries: entries.sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group)),
    long: perProject.flatMap(({ long }) => long),
  }
}
