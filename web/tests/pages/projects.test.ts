import { createProject, getProjectSettings, type Project, updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { listProjectSecrets } from '@helix/contract/secrets'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'shop', source: { kind: 'sample' } } })
  await call(createRepository, { body: { name: 'docs', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Shop', description: 'Sells things', repositoryIds: [repository.id] } })
  person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await person.newPage()
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

const settingsOf = () => installation.call(getProjectSettings, { params: { projectId: project.id } })
const at = (section: string) => `${installation.url}/projects/${project.id}/settings/${section}`
const saved = (page: Page) => page.getByRole('status').getByText('Saved', { exact: true }).waitFor()

test('settings are changed section by section, faults stand at their field, and keys save', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(at('general'))
  await page.getByLabel('Name').fill('Web shop')
  await page.keyboard.press('Control+s')
  await saved(page)
  expect((await settingsOf()).name).toBe('Web shop')
  await page.getByRole('link', { name: 'Branches' }).click()
  await page.getByLabel('Protected branches').fill('release/*\nma*')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('covers main, the base branch of new tasks').waitFor()
  expect(await page.getByLabel('Protected branches').inputValue()).toBe('release/*\nma*')
  await page.getByLabel('Protected branches').fill('release/*')
  await page.getByLabel('Add repository').selectOption({ label: 'docs' })
  await page.getByRole('button', { name: 'Save' }).click()
  await saved(page)
  expect(await settingsOf()).toMatchObject({ protectedBranches: ['release/*'], repositories: [{ name: 'shop' }, { name: 'docs' }] })
  await page.getByRole('link', { name: 'Automation and limits' }).click()
  await page.getByLabel('Start tasks from the backlog').check()
  await page.getByLabel('Tasks in planning at once').fill('5')
  await page.getByRole('button', { name: 'Save' }).click()
  await saved(page)
  expect(await settingsOf()).toMatchObject({ autoStart: true, planningLimit: 5 })
  expect(errors).toEqual([])
  await page.close()
})

test('the machine of sessions is set field by field, and a fault stands at its field', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(at('sandbox'))
  await page.getByLabel('Custom').check()
  await page.getByLabel('Memory in GB').fill('0.1')
  await page.getByLabel('Image').fill('not an image')
  await page.getByLabel('Registry user').fill('ro bot')
  await page.getByLabel('Labels of hosts').fill('gpu=a100\nUPPER=no')
  // The browser stops a form with a figure out of its range; a key does not go through it.
  await page.keyboard.press('Control+s')
  await page.getByText('use 512 to 524288 MB, which is 0.5 to 512 GB').waitFor()
  await page.getByText('an image name like node:24').waitFor()
  await page.getByText('a user name without spaces and colons').waitFor()
  await page.getByText('a name like NPM_TOKEN').waitFor()
  await page.getByText('UPPER: use up to 63 of a-z').waitFor()
  await page.getByLabel('Memory in GB').fill('6')
  await page.getByLabel('Image').fill('registry.example.com/team/image:1')
  await page.getByLabel('Registry user').fill('robot')
  await page.getByLabel('Secret with the registry’s password').fill('REGISTRY_TOKEN')
  await page.getByLabel('Labels of hosts').fill('gpu=a100')
  await page.getByLabel('Minutes until an idle machine is suspended').fill('30')
  await page.getByLabel('Hours until a session ends').fill('48')
  await page.getByLabel('Isolation at least').selectOption({ label: 'gVisor: a kernel of its own' })
  await page.getByLabel('Sessions reach').selectOption({ label: 'Only listed domains' })
  await page.getByLabel('Domains').fill('Registry.npmjs.org')
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('button', { name: 'Save' }).click()
  await saved(page)
  expect(await settingsOf()).toMatchObject({
    size: 'custom',
    customSize: { cpus: 2, memoryMb: 6144, diskMb: 20_480 },
    image: 'registry.example.com/team/image:1',
    imageLogin: { user: 'robot', secret: 'REGISTRY_TOKEN' },
    idleMinutes: 30,
    ttlHours: 48,
    hostLabels: { gpu: 'a100' },
    minimumRung: 'gvisor',
    egressMode: 'listed',
    egressDomains: ['registry.npmjs.org'],
  })
  await installation.call(updateProject, { params: { projectId: project.id }, body: { idleMinutes: 5 } })
  await page.reload()
  expect(await page.getByLabel('Minutes until an idle machine is suspended').inputValue()).toBe('5')
  expect(errors).toEqual([])
  await page.close()
})

test('of two people the second is told who was first, sees both texts and loses none', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(at('guidelines'))
  await page.getByLabel('Guidelines for agents').fill('Mine')
  await page.getByText('Not saved yet.').waitFor()
  await page.reload()
  await page.getByText('Not saved yet.').waitFor()
  expect(await page.getByLabel('Guidelines for agents').inputValue()).toBe('Mine')
  await installation.call(updateProject, { params: { projectId: project.id }, body: { guidelines: 'Theirs' } })
  await page
    .getByRole('alert')
    .getByText(/changed this meanwhile/)
    .waitFor()
  await page.getByRole('alert').getByText('Theirs').waitFor()
  expect(await page.getByLabel('Guidelines for agents').inputValue()).toBe('Mine')
  await page.getByRole('button', { name: 'Save mine over it' }).click()
  await saved(page)
  expect((await settingsOf()).guidelines).toBe('Mine')
  // What somebody changes elsewhere in the settings is nobody's conflict.
  await page.getByLabel('Guidelines for agents').fill('Mine again')
  await installation.call(updateProject, { params: { projectId: project.id }, body: { description: 'Other words' } })
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await saved(page)
  expect(await settingsOf()).toMatchObject({ guidelines: 'Mine again', description: 'Other words' })
  expect(errors).toEqual([])
  await page.close()
})

test('a secret is added, replaced and removed, and its value is nowhere on the page', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(at('secrets'))
  await page.getByRole('button', { name: 'Add secret' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('path')
  await dialog.getByLabel('Value').fill('hush-hush')
  await dialog.getByRole('button', { name: 'Add secret' }).click()
  await dialog.getByText('a name like NPM_TOKEN').waitFor()
  await dialog.getByLabel('Name').fill('NPM_TOKEN')
  await dialog.getByLabel('The start-up script only').check()
  await dialog.getByRole('button', { name: 'Add secret' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('The start-up script only', { exact: false }).waitFor()
  expect(await page.content()).not.toContain('hush-hush')
  const { items } = await installation.call(listProjectSecrets, { params: { projectId: project.id } })
  expect(items).toMatchObject([{ name: 'NPM_TOKEN', exposure: 'startup', scope: 'project' }])
  await page.getByRole('button', { name: 'Replace value NPM_TOKEN' }).click()
  await dialog.getByLabel('New value').fill('other')
  await dialog.getByRole('button', { name: 'Replace value' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Remove NPM_TOKEN' }).click()
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await page.getByText('No secrets yet.').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('helix.yaml is checked, its faults are named with their lines, and applied', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(at('config'))
  const text = page.getByLabel('Text of the file')
  await text.fill('version: 1\nlimits:\n  planing: 3\n')
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByText('unknown key: did you mean "planning"?').waitFor()
  await page.getByText('Line 3').waitFor()
  await text.fill('version: 1\nlimits:\n  planning: 4\n')
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByText('One setting would change').waitFor()
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.getByText('One setting was changed').waitFor()
  expect((await settingsOf()).planningLimit).toBe(4)
  await text.fill('version: 1\nlimits:\n  planning: 4\n')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.getByText('Unchanged: the project is what the file says.').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('a project is archived and brought back, deleted by its name, and restored', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(at('danger'))
  await page.getByRole('button', { name: 'Archive project' }).click()
  await page.getByRole('button', { name: 'Bring back' }).waitFor()
  await page.goto(`${installation.url}/projects`)
  await page.getByText('No projects yet').waitFor()
  await page.getByRole('link', { name: 'Show archived' }).click()
  await page.getByRole('link', { name: 'Web shop' }).waitFor()
  await page.goto(at('danger'))
  await page.getByRole('button', { name: 'Bring back' }).click()
  await page.getByRole('button', { name: 'Archive project' }).waitFor()
  await page.getByRole('button', { name: 'Delete project' }).click()
  const dialog = page.getByRole('dialog')
  expect(await dialog.getByRole('button', { name: 'Delete project' }).isDisabled()).toBe(true)
  await dialog.getByLabel('Type Web shop to confirm').fill('Web shop')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${installation.url}/projects`)
  await page.getByText('No projects yet').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('“Web shop” is back.').waitFor()
  await page.getByRole('link', { name: 'Web shop' }).waitFor()
  await page.goto(at('danger'))
  await page.getByRole('button', { name: 'Delete project' }).click()
  await dialog.getByLabel('Type Web shop to confirm').fill('Web shop')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${installation.url}/projects`)
  await page.getByText('No projects yet').waitFor()
  await page.goto(`${installation.url}/settings/deleted-projects`)
  await page.getByRole('button', { name: 'Restore Web shop' }).click()
  await page.getByText('No deleted projects.').waitFor()
  await page.goto(`${installation.url}/projects`)
  await page.getByRole('link', { name: 'Web shop' }).waitFor()
  expect(errors).toEqual([])
  await page.close()
})
