import { readFile } from 'node:fs/promises'
import { createClient } from '@helix/contract/client'
import { listMail } from '@helix/contract/mail'
import { listPeople } from '@helix/contract/organisations'
import { createProject, listProjects, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

const password = 'correct horse battery'
let installation: Installation
let browser: Browser
let project: Project
let owner: BrowserContext

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  owner = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page } = await openPage(owner)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

const at = (section: string): string => `${installation.url}/settings/${section}`
const board = (): string => `${installation.url}/projects/${project.id}`
/** The row of somebody in a list. */
const rowOf = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name })

/** Invites by the page, and joins by the mail in a browser of their own. */
async function joined(page: Page, { name, email, role }: { name: string; email: string; role: string }) {
  await page.goto(at('people'))
  await page.getByRole('button', { name: 'Invite people' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('E-mail addresses').fill(email)
  await dialog.getByLabel('Role').selectOption({ label: role })
  await dialog.getByRole('button', { name: 'Send invitations' }).click()
  await dialog.getByText('1 person is invited.').waitFor()
  await dialog.getByRole('button', { name: 'Close' }).first().click()
  const { items } = await installation.call(listMail, {})
  const link = /https?:\S+/.exec(items.find((mail) => mail.to === email)?.text ?? '')?.[0] ?? ''
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page: theirs, errors } = await openPage(context)
  await theirs.goto(link)
  await theirs.getByRole('link', { name: 'Create an account' }).click()
  await theirs.getByLabel('Name').fill(name)
  await theirs.getByLabel('Password').fill(password)
  await theirs.getByRole('button', { name: 'Create account' }).click()
  await theirs.waitForURL(/\/projects$/)
  await page.reload()
  return { context, page: theirs, errors }
}

test('who was invited has the role they were given, loses it by a change, and is out at once when deactivated', async () => {
  const { page, errors } = await openPage(owner)
  const grace = await joined(page, { name: 'Grace Hopper', email: 'grace@example.com', role: 'Member' })
  await grace.page.goto(board())
  await grace.page.getByRole('link', { name: 'New task' }).first().waitFor()
  const row = rowOf(page, 'Grace Hopper')
  await row.getByLabel('Role of Grace Hopper').selectOption({ label: 'Viewer' })
  const newTask = async (): Promise<number> => {
    await grace.page.reload()
    return grace.page.getByRole('link', { name: 'New task' }).count()
  }
  await expect.poll(newTask, { timeout: 20_000 }).toBe(0)
  await row.getByRole('button', { name: 'Deactivate Grace Hopper' }).click()
  await row.getByText('Deactivated').waitFor()
  await grace.page.goto(board())
  await grace.page.waitForURL(/\/sign-in/)
  await row.getByRole('button', { name: 'Reactivate Grace Hopper' }).click()
  await grace.page.getByLabel('E-mail').fill('grace@example.com')
  await grace.page.getByLabel('Password').fill(password)
  await grace.page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await grace.page.waitForURL(board())
  await row.getByRole('button', { name: 'Remove Grace Hopper' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await row.waitFor({ state: 'detached' })
  await grace.page.goto(board())
  expect(await grace.page.content()).not.toContain('>Sample<')
  expect([errors, grace.errors]).toEqual([[], []])
  await grace.context.close()
  await page.close()
})

test('the last owner stays one, and is told why', async () => {
  const { page } = await openPage(owner)
  await page.goto(at('people'))
  const role = page.getByLabel('Role of Administrator')
  await role.selectOption({ label: 'Admin' })
  await page.getByRole('alert').filter({ hasText: 'The role was not changed' }).waitFor()
  await page.reload()
  expect(await role.inputValue()).toBe('owner')
  await page.close()
})

test('a private project is seen by the team it is given to, and by nobody of it when that is taken back', async () => {
  const { page, errors } = await openPage(owner)
  const ada = await joined(page, { name: 'Ada Lovelace', email: 'ada@example.com', role: 'Viewer' })
  await page.goto(at('teams'))
  await page.getByRole('button', { name: 'New team' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name of the team').fill('Compilers')
  await dialog.getByRole('checkbox', { name: /Ada Lovelace/ }).check()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await rowOf(page, 'Compilers').getByText('Ada Lovelace').waitFor()
  await page.goto(`${board()}/settings/members`)
  await page.getByRole('radio', { name: /Only the people and teams below/ }).check()
  await ada.page.goto(board())
  await ada.page.getByText('There is nothing here', { exact: false }).waitFor()
  await page.getByLabel('Person or team').selectOption({ label: 'Compilers' })
  await page.getByLabel('Role', { exact: true }).selectOption({ label: 'Member' })
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByLabel('Role of Compilers').waitFor()
  await ada.page.reload()
  await ada.page.getByRole('link', { name: 'New task' }).first().waitFor()
  await page.getByRole('button', { name: 'Remove Compilers' }).click()
  await page.getByText('Nobody has a role of their own here.').waitFor()
  await ada.page.reload()
  await ada.page.getByText('There is nothing here', { exact: false }).waitFor()
  await page.getByRole('radio', { name: /Everybody in the organisation/ }).check()
  expect([errors, ada.errors]).toEqual([[], []])
  await ada.context.close()
  await page.close()
})

test('a service account gets a key that does what was chosen, and ends when it is revoked', async () => {
  const { page, errors } = await openPage(owner)
  await page.goto(at('service-accounts'))
  await page.getByLabel('Name of the account').fill('ci')
  await page.getByLabel('Role', { exact: true }).selectOption({ label: 'Viewer' })
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('button', { name: 'Keys: ci' }).click()
  const keys = page.getByRole('region', { name: 'Keys of ci' })
  await keys.getByLabel('Name of the key').fill('nightly')
  await keys.getByLabel('Ends').selectOption({ label: 'after 30 days' })
  await keys.getByLabel('May do').selectOption({ label: 'Only what is chosen' })
  await keys.getByRole('checkbox', { name: 'See projects' }).check()
  expect(await keys.getByRole('checkbox', { name: 'Push to repositories' }).count()).toBe(0)
  await keys.getByRole('button', { name: 'Create key' }).click()
  const shown = keys.getByRole('status')
  const call = createClient({ baseUrl: installation.url, token: await shown.locator('code').innerText() })
  expect((await call(listProjects, { query: {} })).items.map(({ name }) => name)).toEqual(['Sample'])
  await expect(call(createProject, { body: { name: 'No', repositoryIds: [] as never } })).rejects.toMatchObject({
    code: expect.stringMatching(/forbidden|invalid_request/),
  })
  await expect(call(listPeople, {})).rejects.toMatchObject({ code: 'forbidden' })
  expect(await accessibilityFaults(page)).toEqual([])
  await page.reload()
  await page.getByRole('button', { name: 'Keys: ci' }).click()
  await keys.getByText('only: See projects').waitFor()
  expect(await shown.count()).toBe(0)
  await keys.getByRole('button', { name: 'Revoke nightly' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await keys.getByText('No API keys.').waitFor()
  await expect(call(listProjects, { query: {} })).rejects.toMatchObject({ code: 'not_signed_in' })
  expect(errors).toEqual([])
  await page.close()
})

test('what was done is found in the audit log and exported', async () => {
  const { page, errors } = await openPage(owner)
  await page.goto(at('audit'))
  await page.getByLabel('Find: people, actions, targets, addresses').fill('create team')
  const rows = page.getByRole('region', { name: 'Entries of the audit log' }).getByRole('row')
  await expect.poll(() => rows.count()).toBe(2)
  expect(await rows.last().innerText()).toContain('Administrator')
  await page.getByRole('button', { name: 'Export' }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'CSV' }).click()])
  const exported = await readFile(await download.path(), 'utf8')
  expect(exported).toContain('createTeam')
  expect(exported).not.toContain('createServiceAccount')
  expect(errors).toEqual([])
  await page.close()
})

test('another organisation shows nothing of the first one, and a link into that offers to go there', async () => {
  const { page, errors } = await openPage(owner)
  await page.goto(`${installation.url}/projects`)
  await page.getByRole('button', { name: /^Switch organisation/ }).click()
  await page.getByRole('menuitem', { name: 'New organisation' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Elsewhere')
  await page.getByRole('dialog').getByRole('button', { name: 'New organisation' }).click()
  await page.getByRole('button', { name: 'Switch organisation: Elsewhere' }).waitFor()
  await page.goto(`${installation.url}/projects`)
  expect(await page.getByRole('link', { name: 'Sample' }).count()).toBe(0)
  await page.goto(board())
  await page.getByRole('button', { name: /^Open it in / }).click()
  await page.getByRole('link', { name: 'New task' }).first().waitFor()
  expect(errors).toEqual([])
  await page.close()
})
