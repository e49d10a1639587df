import { listProjectMembers } from '@helix/contract/access'
import { listProjectBudgets } from '@helix/contract/budgets'
import type { ProjectId } from '@helix/contract/ids'
import { listMcpServers } from '@helix/contract/mcp-servers'
import { getProjectModelRules } from '@helix/contract/models'
import { listPeople, listTeams } from '@helix/contract/organisations'
import { type Role, roleGrants } from '@helix/contract/permissions'
import { exportProjectConfig } from '@helix/contract/project-config'
import { getProjectSettings } from '@helix/contract/projects'
import { listRepositories } from '@helix/contract/repositories'
import { listProjectSecrets } from '@helix/contract/secrets'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { ProjectSection } from './sections.ts'

type Event = Parameters<typeof ask>[0]

/** What only some sections need; null where it was not asked, or may not be seen. */
async function readExtra(event: Event, projectId: ProjectId, section: ProjectSection, mayChange: boolean) {
  const input = { params: { projectId } }
  const [repositories, members, candidates, secrets, config, budgets, rules, mcpServers] = await Promise.all([
    section === 'branches' ? ask(event, listRepositories, { query: { limit: 200 } }) : null,
    section === 'members' ? ask(event, listProjectMembers, input) : null,
    section === 'members' ? Promise.all([ask(event, listTeams, {}), ask(event, listPeople, {})]) : null,
    (section === 'secrets' || section === 'mcp-servers') && mayChange ? ask(event, listProjectSecrets, input) : null,
    section === 'config' && mayChange ? ask(event, exportProjectConfig, input) : null,
    section === 'budgets' ? ask(event, listProjectBudgets, input) : null,
    section === 'models' && mayChange ? ask(event, getProjectModelRules, input) : null,
    section === 'mcp-servers' && mayChange ? ask(event, listMcpServers, input) : null,
  ])
  return {
    repositories: repositories?.items ?? null,
    members,
    candidates: candidates?.flatMap(({ items }) => items.map(({ id, name }) => ({ id, name }))) ?? null,
    secrets: secrets?.items ?? null,
    config: config?.yaml ?? null,
    budgets,
    rules,
    mcpServers: mcpServers?.items ?? null,
  }
}
export type Extra = Awaited<ReturnType<typeof readExtra>>

export async function readSection(event: Event, id: string, section: ProjectSection, role: Role) {
  const projectId = id as ProjectId
  const since = live.position()
  const mayChange = roleGrants(role, 'project:write')
  const [settings, extra] = await Promise.all([
    ask(event, getProjectSettings, { params: { projectId } }),
    readExtra(event, projectId, section, mayChange),
  ])
  return { settings, since, mayChange, extra }
}
