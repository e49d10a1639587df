import { listProjects, type Project } from '@helix/contract/projects'
import { listRepositories } from '@helix/contract/repositories'
import { getSystem } from '@helix/contract/system'
import { listTasks } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'
import { routes } from '#lib/routes.ts'
import { sections } from '#lib/settings/sections.ts'
import { statusLooks } from '#lib/tasks/status.ts'
import type { Entry } from './rank.ts'

const actions: Entry[] = [
  { key: 'inbox', label: 'Inbox', detail: 'what needs you: reviews questions failures', group: 'Go to', href: routes.inbox() },
  { key: 'projects', label: 'Projects', detail: 'go to', group: 'Go to', href: routes.projects() },
  { key: 'repositories', label: 'Repositories', detail: 'go to', group: 'Go to', href: routes.repositories() },
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

async function ofProject(project: Project): Promise<Entry[]> {
  const { items } = await call(listTasks, { params: { projectId: project.id }, query: { limit: 200 } })
  return [
    { key: `new-${project.id}`, label: `New task in ${project.name}`, detail: 'create', group: 'Act', href: routes.newTask(project.id) },
    { key: project.id, label: project.name, detail: 'project', group: 'Projects', href: routes.board(project.id) },
    ...items.map((task) => ({
      key: task.id,
      label: `#${task.number} ${task.title}`,
      detail: `${project.name} · ${statusLooks[task.status].word}`,
      group: 'Tasks',
      href: routes.task(task.id),
    })),
  ]
}

/** Everything the palette can go to, read when it opens. */
export async function readEntries(): Promise<Entry[]> {
  const [projects, repositories, system] = await Promise.all([
    call(listProjects, { query: { limit: 100 } }),
    call(listRepositories, { query: { limit: 200 } }),
    call(getSystem, {}),
  ])
  const perProject = await Promise.all(projects.items.map(ofProject))
  const repositoryEntries = repositories.items.map((repository) => ({
    key: repository.id,
    label: repository.name,
    detail: 'repository',
    group: 'Repositories',
    href: routes.repository(repository.id),
  }))
  return [
    ...perProject.flat().sort((a, b) => a.group.localeCompare(b.group)),
    ...repositoryEntries,
    ...actions,
    ...(system.runsInstallation ? [installation] : []),
  ]
}
