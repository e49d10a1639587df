import type { Page } from 'playwright-core'

/** What the addresses of pages are made of. */
export interface Shown {
  projectId: string
  taskId: string
  repositoryId: string
}

export interface Place {
  name: string
  path: string
  /** Opens the dialog or menu that the place is about. */
  open?: (page: Page) => Promise<void>
}

const dialog = async (page: Page, button: string | RegExp): Promise<void> => {
  await page.getByRole('main').getByRole('button', { name: button }).first().click()
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

const account = ['profile', 'password', 'security', 'keys', 'notifications']
const organisation = [
  'organisation',
  'people',
  'teams',
  'sign-in',
  'service-accounts',
  'secrets',
  'deleted-projects',
  'webhooks',
  'mail',
  'audit',
]
const ofProject = [
  'general',
  'agents',
  'automation',
  'branches',
  'review',
  'members',
  'secrets',
  'start-up',
  'guidelines',
  'config',
  'danger',
]

/** Every page that a signed-in person can open, and the main dialogs: pictures are taken of all, and axe looks at all. */
export function everyPlace({ projectId, taskId, repositoryId }: Shown): Place[] {
  const project = `/projects/${projectId}`
  return [
    { name: 'projects', path: '/projects' },
    { name: 'new-project', path: '/projects/new' },
    { name: 'board', path: project },
    { name: 'board-by-label', path: `${project}?group=label` },
    { name: 'new-task', path: `${project}/new` },
    { name: 'tasks', path: `${project}/tasks` },
    { name: 'task', path: `/tasks/${taskId}` },
    { name: 'task-changes', path: `/tasks/${taskId}?tab=changes` },
    { name: 'task-files', path: `/tasks/${taskId}?tab=files` },
    { name: 'task-timeline', path: `/tasks/${taskId}?tab=timeline` },
    { name: 'task-terminal', path: `/tasks/${taskId}?tab=terminal` },
    { name: 'task-workspace', path: `/tasks/${taskId}?tab=workspace` },
    { name: 'sessions', path: `${project}/sessions` },
    { name: 'spec', path: `/tasks/${taskId}/spec` },
    { name: 'inbox', path: '/inbox' },
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
    { name: 'dialog-invite', path: '/settings/people', open: (page) => dialog(page, 'Invite people') },
    { name: 'dialog-team', path: '/settings/teams', open: (page) => dialog(page, 'New team') },
    { name: 'dialog-connection', path: '/settings/sign-in', open: (page) => dialog(page, 'Add a connection') },
    {
      name: 'menu-card',
      path: project,
      open: async (page) => {
        await page.locator('.card-menu').first().click()
        await page.getByRole('menu').waitFor()
      },
    },
    {
      name: 'dialog-card',
      path: project,
      open: async (page) => {
        await page.locator('.card-menu').first().click()
        await page.getByRole('menuitem', { name: /^Edit/ }).click()
        await page.getByRole('dialog').waitFor()
      },
    },
    {
      name: 'palette',
      path: '/projects',
      open: (page) => press(page, 'Control+k'),
    },
    {
      name: 'keys',
      path: '/projects',
      open: (page) => press(page, '?'),
    },
  ]
}

/** What a stranger sees. */
export const strangersPlaces: Place[] = [
  { name: 'sign-in', path: '/sign-in' },
  { name: 'sign-up', path: '/sign-up' },
  { name: 'reset', path: '/reset' },
  { name: 'verify', path: '/verify?token=none' },
  { name: 'join', path: '/join?token=none-that-there-is-of-any' },
]

export const themes = ['light', 'dark'] as const
export const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const
