import { createLabel } from '@helix/contract/labels'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask, getTask, type Task, updateTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let task: Task

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  await call(createLabel, { params: { projectId: project.id }, body: { name: 'api', colour: 'blue' } })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  task = await installation.call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a greeting', start: false } })
})

const now = () => installation.call(getTask, { params: { taskId: task.id } })

test('priority, labels and assignees are changed in the header of the task', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${task.id}`)
  await page.getByRole('button', { name: 'Priority: Normal' }).click()
  const panel = page.getByRole('dialog', { name: 'Priority: Normal' })
  await panel.getByLabel('Urgent').check()
  expect(await accessibilityFaults(page)).toEqual([])
  await panel.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'Priority: Urgent' }).waitFor()
  await page.getByRole('button', { name: 'Labels: No labels' }).click()
  await page.getByRole('checkbox', { name: 'api' }).check()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'Labels: api' }).waitFor()
  await page.getByRole('button', { name: 'Assignees: Nobody' }).click()
  await page.getByRole('dialog').getByRole('checkbox').first().check()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect.poll(async () => (await now()).assignees.length).toBe(1)
  expect(await now()).toMatchObject({ priority: 'urgent', labels: [{ name: 'api' }] })
  if (process.env.HELIX_PICTURES) await page.screenshot({ path: `${process.env.HELIX_PICTURES}/header.png` })
  expect(errors).toEqual([])
  await page.close()
})

test('who edits what somebody else has edited meanwhile is told, and may save what they picked over it', async () => {
  const { page } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${task.id}`)
  await page.getByRole('button', { name: 'Priority: Normal' }).click()
  await page.getByRole('dialog').getByLabel('High').check()
  let edited = false
  // The page hears of an edit at once: the event is held back here, as on a bad connection.
  await page.route('**/api/v1/tasks/*', async (route) => {
    if (route.request().method() !== 'PATCH' || edited) return route.continue()
    await installation.call(updateTask, { params: { taskId: task.id }, body: { expectedVersion: task.version, title: 'Another title' } })
    edited = true
    await route.continue()
  })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/has edited the task since/).waitFor()
  await page.getByRole('heading', { name: /Another title/ }).waitFor()
  await page.getByRole('button', { name: 'Save over it' }).click()
  await expect.poll(async () => (await now()).priority).toBe('high')
  expect((await now()).title).toBe('Another title')
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.close()
})

test('what was asked is put in other words while no agent works on it, with files to look at and tasks to wait for', async () => {
  const other = await installation.call(createTask, { params: { projectId: project.id }, body: { prompt: 'Come first', start: false } })
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${task.id}`)
  const edit = async (): Promise<void> => {
    await page.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: 'Edit title and prompt' }).click()
  }
  await edit()
  const words = page.getByRole('dialog').getByLabel('What do you want?')
  await words.fill('Add a warm greeting')
  // What is half written outlives the page.
  await page.reload()
  await edit()
  expect(await words.inputValue()).toBe('Add a warm greeting')
  await installation.call(updateTask, { params: { taskId: task.id }, body: { expectedVersion: task.version, title: 'Their title' } })
  await page.getByRole('heading', { name: /Their title/, includeHidden: true }).waitFor({ state: 'attached' })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/has edited the task since/).waitFor()
  await page.getByRole('button', { name: 'Save over it' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await now()).toMatchObject({ prompt: 'Add a warm greeting', title: 'Their title' })
  await page.getByRole('log').getByText('Add a warm greeting').waitFor()

  await page.getByRole('button', { name: 'Attachments: none' }).click()
  const files = page.getByRole('dialog', { name: /^Attachments/ })
  await files.locator('input[type=file]').setInputFiles({ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('one, two') })
  await files.getByRole('link', { name: 'plan.txt' }).waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await files.getByRole('button', { name: 'Remove plan.txt' }).click()
  await files.getByText('No files yet.').waitFor()
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Waits for: nothing' }).click()
  const waits = page.getByRole('dialog', { name: /^Waits for/ })
  await waits.getByRole('textbox').fill('99999')
  await waits.getByRole('button', { name: 'Add' }).click()
  await waits.getByText('This project has no task 99999.').waitFor()
  await waits.getByRole('textbox').fill(`#${other.number}`)
  await waits.getByRole('button', { name: 'Add' }).click()
  await waits.getByRole('link', { name: /Come first/ }).waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await waits.getByRole('link', { name: /Come first/ }).click()
  await page.getByRole('heading', { name: /Come first/ }).waitFor()
  await page.getByRole('button', { name: 'Waits for: nothing' }).click()
  await page
    .getByRole('dialog')
    .getByRole('link', { name: /Their title/ })
    .waitFor()
  expect(errors).toEqual([])
  await page.close()
})
