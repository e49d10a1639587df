import { createClient } from '@helix/contract/client'
import { recordStep } from '@helix/contract/internal'
import { createLabel } from '@helix/contract/labels'
import { createProject, type Project, updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask, getTask, listTasks, type Task, updateTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { moveTo } from './agent-link.ts'
import { openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let tasks: Task[]

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  tasks = []
  for (const prompt of ['Add a greeting', 'Fix the search', 'Write the manual'])
    tasks.push(await call(createTask, { params: { projectId: project.id }, body: { prompt, start: false } }))
  person = await signedIn()
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

async function signedIn(): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page } = await openPage(context)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
  return context
}

async function openBoard(context = person, query = ''): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(context)
  await opened.page.goto(`${installation.url}/projects/${project.id}${query}`)
  await opened.page.locator('[data-task]').first().waitFor()
  // The page hears keys and the pointer once its script runs.
  await opened.page.waitForFunction('document.querySelector("nav[aria-label] button") !== null')
  await opened.page.waitForTimeout(500)
  return opened
}
const card = (page: Page, title: string) => page.locator('[data-task]', { hasText: title })
const column = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
const alert = (page: Page, words: string | RegExp) => page.locator('[aria-live="polite"]', { hasText: words })

test('a card that may not go there is refused with the reason and stands where it stood', async () => {
  const { page, errors } = await openBoard()
  const from = await card(page, 'Add a greeting').boundingBox()
  const to = await column(page, 'Merged').boundingBox()
  if (from === null || to === null) throw new Error('the board is not there')
  await page.mouse.move(from.x + from.width / 2, from.y + from.height - 8)
  await page.waitForTimeout(500)
  await page.mouse.down()
  await page.mouse.move(from.x + 60, from.y + 60, { steps: 5 })
  await page.mouse.move(to.x + to.width / 2, to.y + 200, { steps: 15 })
  await column(page, 'Merged').getByText('It begins with planning').waitFor()
  await page.mouse.up()
  await alert(page, '#1 was not moved: It begins with planning').waitFor()
  expect(await column(page, 'Backlog').getByText('Add a greeting').count()).toBe(1)
  expect(errors).toEqual([])
  await page.close()
})

test('by keyboard a card is found, its menu says what is possible and why not, and a move that fails is taken back', async () => {
  const { page } = await openBoard()
  await page.keyboard.press('j')
  await page.keyboard.press('m')
  const refused = page.getByRole('menuitem', { name: /Move to Merged/ })
  await refused.waitFor()
  expect(await refused.getAttribute('aria-disabled')).toBe('true')
  expect(await refused.innerText()).toContain('It begins with planning')
  // There is no Temporal in this installation.
  await page.getByRole('menuitem', { name: /Move to Planning/ }).click()
  await alert(page, /was not moved/).waitFor({ timeout: 30_000 })
  await expect.poll(() => column(page, 'Backlog').locator('[data-task]').count()).toBe(3)
  await page.close()
})

test('labels, priority and dependencies are edited on the card; a circle is refused with its tasks; a filter is kept in the address', async () => {
  const { page } = await openBoard()
  await card(page, 'Fix the search').locator('.card-menu').click()
  await page.getByRole('menuitem', { name: /^Edit/ }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'New label' }).fill('bug')
  await dialog.getByRole('button', { name: 'Create label' }).click()
  await dialog.getByRole('checkbox', { name: 'bug' }).waitFor()
  await dialog.getByRole('combobox', { name: 'Priority' }).selectOption('urgent')
  await dialog.getByRole('textbox', { name: 'Number of a task' }).fill('3')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await dialog.getByRole('button', { name: 'Remove #3' }).waitFor()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await card(page, 'Fix the search').getByText('bug').waitFor()
  await card(page, 'Write the manual').locator('.card-menu').click()
  await page.getByRole('menuitem', { name: /^Edit/ }).click()
  await dialog.getByRole('textbox', { name: 'Number of a task' }).fill('2')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await dialog.getByText('This would be a circle: #3 -> #2 -> #3.').waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('searchbox', { name: 'Filter' }).fill('label:bug priority:urgent')
  await expect.poll(() => page.locator('[data-task]').count()).toBe(1)
  await page.reload()
  await expect.poll(() => page.locator('[data-task]').count()).toBe(1)
  expect(await page.getByRole('searchbox', { name: 'Filter' }).inputValue()).toBe('label:bug priority:urgent')
  await page.close()
})

test('of two who edit one card the second is told, and keeps what they typed', async () => {
  const { page } = await openBoard()
  await card(page, 'Write the manual').locator('.card-menu').click()
  await page.getByRole('menuitem', { name: /^Edit/ }).click()
  const dialog = page.getByRole('dialog')
  const { call } = installation
  const params = { taskId: tasks[2]?.id as Task['id'] }
  const { version } = await call(getTask, { params })
  await call(updateTask, { params, body: { expectedVersion: version, priority: 'low' } })
  await dialog.getByRole('textbox', { name: 'Title' }).fill('Write the whole manual')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText(/has edited the task since you opened it/).waitFor()
  expect(await dialog.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Write the whole manual')
  await dialog.getByRole('button', { name: /Take the newest/ }).click()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await card(page, 'Write the whole manual').waitFor()
  await page.close()
})

test('a limit that is changed elsewhere is shown on every board', async () => {
  const { page } = await openBoard()
  await column(page, 'Planning').getByText('0 of 3 places taken').waitFor({ state: 'attached' })
  await installation.call(updateProject, { params: { projectId: project.id }, body: { planningLimit: 5 } })
  await column(page, 'Planning').getByText('0 of 5 places taken').waitFor({ state: 'attached' })
  await page.close()
})

test('several cards are changed at once, and another browser sees a new title by itself', async () => {
  const other = await openBoard(await signedIn())
  const { page } = await openBoard()
  await card(page, 'Add a greeting').hover()
  await card(page, 'Add a greeting').getByRole('checkbox').check()
  await card(page, 'Fix the search').getByRole('checkbox').check()
  const bar = page.getByRole('toolbar')
  await bar.getByRole('button', { name: 'Priority' }).click()
  await page.getByRole('menuitem', { name: 'High' }).click()
  await alert(page, 'Done for 2 tasks').waitFor()
  await card(other.page, 'Add a greeting').getByText('Priority: High').waitFor({ state: 'attached' })
  const { call } = installation
  const params = { taskId: tasks[0]?.id as Task['id'] }
  const { version, status } = await call(getTask, { params })
  expect(status).toBe('backlog')
  await call(updateTask, { params, body: { expectedVersion: version, title: 'Add a warm greeting' } })
  await card(other.page, 'Add a warm greeting').waitFor()
  await Promise.all([page.close(), other.page.context().close()])
})

/** Moves tasks as their workflows would: there is no Temporal in this installation. */
async function playWorkflows(page: Page): Promise<void> {
  const worker = createClient({ baseUrl: installation.url, token: installation.token })
  await page.route('**/tasks/bulk', async (route) => {
    const { taskIds, change } = route.request().postDataJSON() as { taskIds: Task['id'][]; change: { action: string } }
    const results = []
    for (const taskId of taskIds) {
      const { status, step, number } = await installation.call(getTask, { params: { taskId } })
      const to = change.action === 'archive' ? ('archived' as const) : ('backlog' as const)
      const none = { reason: null, actorId: null, failure: null, failedFrom: null, expectSpecCommit: null, expectBranchCommit: null }
      const body = { ...none, key: `${taskId}/${step}`, step: step + 1, from: status, to, cause: change.action, activity: to }
      await worker(recordStep, { params: { taskId }, body: { ...body, review: null, mergedCommit: null } })
      results.push({ taskId, number, error: null, note: null })
    }
    await route.fulfill({ json: { results } })
  })
}
const titles = (page: Page) => column(page, 'Backlog').locator('h3').allInnerTexts()

test('archived cards leave every browser at once, one undo brings all back to their places, and an archiving that fails is taken back', async () => {
  const other = await openBoard(await signedIn())
  const { page } = await openBoard()
  const before = await titles(page)
  expect(before).toHaveLength(3)
  const archiveTwo = async (): Promise<void> => {
    await card(page, 'Fix the search').hover()
    await card(page, 'Fix the search').getByRole('checkbox').check()
    await card(page, 'Add a').getByRole('checkbox').check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Archive' }).click()
    await card(page, 'Fix the search').waitFor({ state: 'detached' })
  }
  await archiveTwo()
  await alert(page, /was not changed/)
    .first()
    .waitFor({ timeout: 30_000 })
  await expect.poll(() => titles(page)).toEqual(before)
  await page.reload()
  await page.waitForTimeout(500)
  await playWorkflows(page)
  await archiveTwo()
  await expect.poll(() => titles(other.page)).toHaveLength(1)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(() => titles(other.page)).toEqual(before)
  await expect.poll(() => titles(page)).toEqual(before)
  await Promise.all([page.close(), other.page.context().close()])
})

test('a new task takes files and a draft that outlives a reload, and going back does not send it twice', async () => {
  const { page } = await openBoard()
  await page.getByRole('link', { name: 'New task' }).click()
  const prompt = page.getByRole('textbox', { name: 'What do you want?' })
  await prompt.waitFor()
  await prompt.fill('Draw the logo')
  await page.reload()
  // The draft is there once the page's script runs.
  await expect.poll(() => prompt.inputValue()).toBe('Draw the logo')
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg onload="alert(1)"/>') })
  await page.getByRole('link', { name: 'logo.svg' }).waitFor()
  await page.getByRole('button', { name: 'Create task' }).click()
  await page.waitForURL(/\/tasks\/tsk_/)
  await page.goBack()
  await page.waitForURL(new RegExp(`/projects/${project.id}$`))
  const { items } = await installation.call(listTasks, { params: { projectId: project.id } })
  expect(items.filter(({ title }) => title === 'Draw the logo')).toMatchObject([{ attachmentCount: 1 }])
  await page.close()
})

test('a column of a screen of 1440 by 900 shows at least six whole cards that have everything on them', async () => {
  const { call } = installation
  const { id } = await call(createProject, { body: { name: 'Dense', repositoryIds: project.repositories.map((one) => one.id) } })
  const params = { projectId: id }
  const label = await call(createLabel, { params, body: { name: 'bug', colour: 'red' } })
  for (let count = 0; count < 9; count++) {
    const prompt = 'A title that is so long that it takes both of the lines that a card has for it, and more'
    const task = await call(createTask, { params, body: { prompt, start: false, labelIds: [label.id], priority: 'urgent' } })
    await moveTo(installation, task.id, 1, 'backlog', 'queued_planning')
  }
  const { page } = await openPage(person)
  await page.goto(`${installation.url}/projects/${id}`)
  await column(page, 'Planning').locator('[data-task]').first().waitFor()
  const boxes = await Promise.all((await column(page, 'Planning').locator('[data-task]').all()).map((one) => one.boundingBox()))
  expect(boxes.filter((box) => box !== null && box.y + box.height <= 900).length).toBeGreaterThanOrEqual(6)
  await page.close()
})
