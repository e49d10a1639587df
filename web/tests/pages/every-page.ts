import { setBudget, setProjectBudget } from '@helix/contract/budgets'
import type { Call } from '@helix/contract/client'
import { createConnection } from '@helix/contract/connections'
import { getFleet } from '@helix/contract/fleet'
import type { ProjectId } from '@helix/contract/ids'
import { createMcpServer } from '@helix/contract/mcp-servers'
import { createTeam } from '@helix/contract/organisations'
import { createServiceAccount } from '@helix/contract/people'
import { createProvider } from '@helix/contract/providers'
import { createSecret } from '@helix/contract/secrets'
import { createSession } from '@helix/contract/session-life'
import { createWebhook } from '@helix/contract/webhooks'
import type { Page } from 'playwright-core'

/** What the addresses of pages are made of. */
export interface Shown {
  projectId: string
  taskId: string
  /** A task whose spec waits for its review. */
  reviewId: string
  repositoryId: string
  /** One without a task. */
  sessionId: string
  /** Of the task that waits; it has a checkpoint. */
  taskSessionId: string
  hostId: string
  /** Of a public link to a spec. */
  linkPath: string
}

export interface Place {
  name: string
  path: string
  /** Opens the dialog or menu that the place is about. */
  open?: (page: Page) => Promise<void>
  /** The components in `src/lib` whose dialog or popover it opens. */
  of?: string
}

const dialog = async (page: Page, button: string | RegExp): Promise<void> => {
  await page.getByRole('main').getByRole('button', { name: button }).first().click()
  await page.getByRole('dialog').waitFor()
}

async function openMenu(page: Page, button: string | RegExp): Promise<void> {
  await page.getByRole('button', { name: button }).first().click()
  await page.getByRole('menu').waitFor()
}

async function fromMenu(page: Page, button: string | RegExp, item: string | RegExp): Promise<void> {
  await openMenu(page, button)
  await page.getByRole('menuitem', { name: item }).click()
  await page.getByRole('dialog').waitFor()
}

async function fromCard(page: Page, item: RegExp): Promise<void> {
  await page.locator('.card-menu').first().click()
  await page.getByRole('menuitem', { name: item }).click()
  await page.getByRole('dialog').waitFor()
}

/** Keys are heard once the page's script runs: pressed again until then, as a person does. */
const press = async (page: Page, key: string): Promise<void> => {
  const opened = page.getByRole('dialog')
  for (let attempt = 0; attempt < 20 && !(await opened.isVisible()); attempt++) {
    await page.keyboard.press(key)
    await opened.waitFor({ timeout: 500 }).catch(() => undefined)
  }
  await opened.waitFor()
}

const account = ['profile', 'password', 'security', 'keys', 'own-keys', 'notifications']
const organisation = [
  'organisation',
  'people',
  'teams',
  'sign-in',
  'providers',
  'service-accounts',
  'secrets',
  'deleted-projects',
  'budgets',
  'webhooks',
  'mail',
  'audit',
]
const ofProject = [
  'general',
  'agents',
  'automation',
  'budgets',
  'branches',
  'review',
  'members',
  'models',
  'secrets',
  'mcp-servers',
  'start-up',
  'sandbox',
  'recording',
  'guidelines',
  'config',
  'danger',
]

/** Every page that a signed-in person can open, and the main dialogs: pictures are taken of all, and axe looks at all. */
export function everyPlace({ projectId, taskId, reviewId, repositoryId, sessionId, hostId }: Shown): Place[] {
  const project = `/projects/${projectId}`
  return [
    { name: 'projects', path: '/projects' },
    { name: 'projects-archived', path: '/projects?archived=only' },
    { name: 'new-project', path: '/projects/new' },
    { name: 'board', path: project },
    { name: 'board-by-label', path: `${project}?group=label` },
    { name: 'new-task', path: `${project}/new` },
    { name: 'tasks', path: `${project}/tasks` },
    { name: 'task', path: `/tasks/${taskId}` },
    { name: 'task-changes', path: `/tasks/${taskId}?tab=changes` },
    { name: 'task-files', path: `/tasks/${taskId}?tab=files` },
    { name: 'task-timeline', path: `/tasks/${taskId}?tab=timeline` },
    { name: 'task-calls', path: `/tasks/${taskId}?tab=calls` },
    { name: 'task-desktop', path: `/tasks/${taskId}?tab=desktop` },
    { name: 'task-recording', path: `/tasks/${taskId}?tab=recording` },
    { name: 'task-terminal', path: `/tasks/${taskId}?tab=terminal` },
    { name: 'task-budget', path: `/tasks/${taskId}?tab=budget` },
    { name: 'session-budget', path: `/sessions/${sessionId}?tab=budget` },
    { name: 'task-workspace', path: `/tasks/${taskId}?tab=workspace` },
    { name: 'sessions', path: `${project}/sessions` },
    { name: 'session', path: `/sessions/${sessionId}` },
    { name: 'session-desktop', path: `/sessions/${sessionId}?tab=desktop` },
    { name: 'session-recording', path: `/sessions/${sessionId}?tab=recording` },
    { name: 'session-starts', path: `/sessions/${sessionId}?tab=starts` },
    { name: 'task-waiting', path: `/tasks/${reviewId}` },
    { name: 'task-spec', path: `/tasks/${reviewId}?tab=spec` },
    { name: 'spec', path: `/tasks/${taskId}/spec` },
    { name: 'spec-waiting', path: `/tasks/${reviewId}/spec` },
    { name: 'inbox', path: '/inbox' },
    { name: 'inbox-done', path: '/inbox?state=done' },
    { name: 'inbox-snoozed', path: '/inbox?state=snoozed' },
    { name: 'sandboxes', path: '/sandboxes' },
    { name: 'sandbox', path: `/sandboxes/${hostId}` },
    { name: 'sandbox-log', path: `/sandboxes/${hostId}?tab=log` },
    { name: 'usage', path: '/usage' },
    { name: 'usage-by-day', path: '/usage?by=day' },
    { name: 'playground', path: '/playground' },
    { name: 'repositories', path: '/repositories' },
    { name: 'repository', path: `/repositories/${repositoryId}` },
    { name: 'repository-file', path: `/repositories/${repositoryId}?path=README.md` },
    { name: 'repository-commits', path: `/repositories/${repositoryId}?tab=commits` },
    ...[...account, ...organisation, 'system'].map((key) => ({ name: `settings-${key}`, path: `/settings/${key}` })),
    ...ofProject.map((key) => ({ name: `project-${key}`, path: `${project}/settings/${key}` })),
    { name: 'welcome', path: '/welcome' },
    { name: 'admin', path: '/admin' },
    { name: 'gallery', path: '/gallery' },
    { name: 'nowhere', path: '/nowhere' },
    { name: 'dialog-invite', path: '/settings/people', open: (page) => dialog(page, 'Invite people'), of: 'organisations/InvitePeople' },
    { name: 'dialog-team', path: '/settings/teams', open: (page) => dialog(page, 'New team'), of: 'organisations/TeamDialog' },
    {
      name: 'dialog-connection',
      path: '/settings/sign-in',
      open: (page) => dialog(page, 'Add a connection'),
      of: 'security/ConnectionDialog',
    },
    {
      name: 'menu-card',
      path: project,
      open: async (page) => {
        await page.locator('.card-menu').first().click()
        await page.getByRole('menu').waitFor()
      },
    },
    { name: 'dialog-card', path: project, open: (page) => fromCard(page, /^Edit/), of: 'board/EditCard' },
    {
      name: 'palette',
      path: '/projects',
      open: async (page) => {
        await press(page, 'Control+k')
        await page.getByRole('option').first().waitFor()
      },
      of: 'palette/Palette',
    },
    {
      name: 'keys',
      path: '/projects',
      open: (page) => press(page, '?'),
      of: 'keyboard/KeysHelp',
    },
  ]
}

/** The dialogs, popovers and menus that no picture is taken of; axe looks at them too. */
export function otherDialogs({ projectId, taskId, reviewId, sessionId, taskSessionId, hostId }: Shown): Place[] {
  const project = `/projects/${projectId}`
  const spec = `/tasks/${reviewId}/spec`
  const place = (of: string, path: string, open: (page: Page) => Promise<void>): Place => ({ name: of, path, open, of })
  const menu = (name: string, path: string, button: string | RegExp): Place => ({ name, path, open: (page) => openMenu(page, button) })
  return [
    menu('menu of filters', project, 'Add a filter'),
    menu('menu of the board', project, 'Board'),
    menu('menu of organisations', '/settings/profile', /^Switch organisation/),
    menu('menu of snoozing', '/inbox', /^Snooze/),
    menu('menu of the task', `/tasks/${reviewId}`, 'More actions'),
    place('board/SaveView', project, (page) => fromMenu(page, 'Views', 'Save this view')),
    place('board/CloneCard', project, (page) => fromCard(page, /^Clone/)),
    place('tasks/EditFact', `/tasks/${taskId}`, async (page) => {
      await page.locator('[data-facts] button').first().click()
      await page.getByRole('dialog').waitFor()
    }),
    place('tasks/TaskDependencies', `/tasks/${taskId}`, (page) => dialog(page, /^Waits for/)),
    place('tasks/TaskAttachments', `/tasks/${taskId}`, (page) => dialog(page, /^Attachments/)),
    place('tasks/EditTask', `/tasks/${taskId}`, (page) => fromMenu(page, 'More actions', /^Edit title/)),
    place('sessions/SessionActions', `/sessions/${sessionId}`, (page) => fromMenu(page, 'More actions', /^Stop/)),
    place('sessions/RenameSession', `/sessions/${sessionId}`, (page) => fromMenu(page, 'More actions', /^Rename/)),
    place('checkpoints/Fork', `/sessions/${taskSessionId}?tab=checkpoints`, (page) => dialog(page, /^Fork from here/)),
    place('sessions/NewSession', `${project}/sessions`, (page) => dialog(page, 'New session')),
    place('tasks/TemplateMenu', `${project}/new`, async (page) => {
      await page.getByLabel('What do you want?').fill('Rename it')
      await fromMenu(page, 'Templates', 'Save as template')
    }),
    place('tasks/RequestChanges', spec, (page) => dialog(page, 'Request changes')),
    place('reviews/RejectSpec', spec, (page) => dialog(page, 'Reject')),
    place('reviews/Reviewers', spec, async (page) => {
      await page.getByTitle('Choose reviewers').click()
      await page.getByRole('dialog').waitFor()
    }),
    place('reviews/Links', spec, (page) => dialog(page, 'Public link')),
    place('projects/settings/DangerSection', `${project}/settings/danger`, (page) => dialog(page, 'Delete project')),
    place('projects/settings/SecretForm', `${project}/settings/secrets`, (page) => dialog(page, 'Add secret')),
    place('projects/settings/Secrets', '/settings/secrets', (page) => dialog(page, 'Remove NPM_TOKEN')),
    place('mcp/McpServerForm', `${project}/settings/mcp-servers`, (page) => dialog(page, 'Add MCP server')),
    place('mcp/McpSection', `${project}/settings/mcp-servers`, (page) => fromMenu(page, /^More actions/, 'Remove')),
    place('providers/ProviderForm', '/settings/providers', (page) => dialog(page, 'Add provider')),
    place('providers/ProviderList', '/settings/providers', (page) => fromMenu(page, /^More actions/, 'Remove')),
    place('providers/PriceForm', '/settings/providers', async (page) => {
      await page
        .getByRole('button', { name: /^Models and prices/ })
        .first()
        .click()
      await dialog(page, /^Set price/)
    }),
    place('settings/KeysSection', '/settings/keys', (page) => dialog(page, /^Revoke/)),
    place('webhooks/WebhookForm', '/settings/webhooks', (page) => dialog(page, 'Add webhook')),
    place('webhooks/WebhooksSection', '/settings/webhooks', (page) => fromMenu(page, /^More actions/, 'Remove')),
    place('organisations/PeopleSection', '/settings/people', (page) => dialog(page, 'Remove CI')),
    place('organisations/TeamsSection', '/settings/teams', (page) => dialog(page, 'Delete team Core')),
    place('organisations/OrganisationSection', '/settings/organisation', (page) => dialog(page, 'Leave the organisation')),
    place('organisations/NewOrganisation', '/settings/profile', (page) => fromMenu(page, /^Switch organisation/, 'New organisation')),
    place('security/ConnectionsSection', '/settings/sign-in', (page) => dialog(page, /^(Delete|Remove) Company$/)),
    place('budgets/BudgetForm', '/settings/budgets', (page) => dialog(page, 'Set a budget')),
    place('budgets/BudgetList', '/settings/budgets', (page) => fromMenu(page, /^More actions/, 'Remove')),
    menu('menu of a host', '/sandboxes', /^Actions of/),
    place('fleet/AddHost', '/sandboxes', (page) => dialog(page, 'Add a host')),
    place('fleet/EditHost', '/sandboxes', (page) => fromMenu(page, /^Actions of/, 'Labels, group and weight')),
    place('fleet/HostDialogs', `/sandboxes/${hostId}`, (page) => fromMenu(page, /^Actions of/, /^Drain/)),
    place('gallery/Overlays', '/gallery', (page) => dialog(page, 'Dialog')),
  ]
}

/** One of each thing that the settings list, and a session without a task. A host has to be linked. */
export async function furnish(call: Call, projectId: ProjectId): Promise<{ sessionId: string; hostId: string }> {
  await call(createTeam, { body: { name: 'Core' } })
  await call(createServiceAccount, { body: { name: 'CI', role: 'member' } })
  await call(setBudget, { body: { period: 'month', unit: 'money', limit: 50_000_000 } })
  await call(setProjectBudget, { params: { projectId }, body: { period: 'day', unit: 'tokens', limit: 2_000_000 } })
  await call(createSecret, { body: { name: 'NPM_TOKEN', value: 'not-a-real-token' } })
  await call(createWebhook, {
    body: { name: 'Team chat', url: 'https://chat.example.com/hook', kinds: ['spec_review', 'question'], projectIds: null },
  })
  // Nothing answers there, which is said on the page; its models are named.
  await call(createProvider, {
    body: {
      name: 'EU models',
      kind: 'openai_compatible',
      baseUrl: 'http://127.0.0.1:9/v1',
      region: 'eu',
      keys: [{ value: 'not-a-real-key' }],
      allowedModels: ['gpt-5-mini', 'own-model'],
    },
  })
  // The issuer of this kind is looked up and never asked: an address needs no name server.
  await call(createConnection, {
    body: { kind: 'github', name: 'Company', issuer: 'https://1.1.1.1', clientId: 'helix', clientSecret: 'not-a-real-secret' },
  })
  await call(createMcpServer, {
    params: { projectId },
    body: {
      name: 'issues',
      url: 'http://127.0.0.1:9/mcp',
      headers: [{ name: 'Authorization', prefix: 'Bearer ', secret: 'NPM_TOKEN' }],
      deniedTools: ['delete_*'],
    },
  })
  const session = await call(createSession, { params: { projectId }, body: {} })
  const [host] = (await call(getFleet, {})).hosts
  if (host === undefined) throw new Error('no host is linked')
  return { sessionId: session.id, hostId: host.id }
}

/** What a stranger sees. */
export const strangersPlaces = ({ linkPath }: Shown): Place[] => [
  { name: 'sign-in', path: '/sign-in' },
  { name: 'sign-in-failed', path: '/sign-in?failed=domain' },
  { name: 'sign-up', path: '/sign-up' },
  { name: 'reset', path: '/reset' },
  { name: 'reset-by-mail', path: '/reset?token=none' },
  { name: 'verify', path: '/verify?token=none' },
  { name: 'join', path: '/join?token=none-that-there-is-of-any' },
  { name: 'public-spec', path: linkPath },
  { name: 'public-spec-gone', path: '/s/none-that-there-is-of-any' },
]

export const themes = ['light', 'dark'] as const
export const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const
