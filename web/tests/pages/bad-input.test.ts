import { listLabels } from '@helix/contract/labels'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask, getTask, listTasks, updateTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { moveTo } from './agent-link.ts'
import { openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  await signIn()
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

async function signIn(): Promise<void> {
  const { page } = await openPage(person)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
}

const add = (prompt: string) => installation.call(createTask, { params: { projectId: project.id }, body: { prompt, start: false } })
const newTask = async (page: Page): Promise<void> => {
  await page.goto(`${installation.url}/projects/${project.id}/new`)
}

/** More settings: they stand open where a draft has a title. */
async function unfold(page: Page): Promise<void> {
  const title = page.getByLabel('Title')
  await expect
    .poll(async () => {
      if (!(await title.isVisible())) await page.locator('summary').click()
      return title.isVisible()
    })
    .toBe(true)
}

test('Enter in the name of a new label makes the label, and not the task', async () => {
  const { page, errors } = await openPage(person)
  await newTask(page)
  await page.getByLabel('What do you want?').fill('Not yet')
  await unfold(page)
  await page.getByRole('textbox', { name: 'New label' }).fill('urgent')
  await page.keyboard.press('Enter')
  await page.getByRole('checkbox', { name: 'urgent' }).waitFor()
  expect(await page.getByRole('checkbox', { name: 'urgent' }).isChecked()).toBe(true)
  expect(page.url()).toMatch(/\/new$/)
  const params = { projectId: project.id }
  expect((await installation.call(listLabels, { params })).items.map(({ name }) => name)).toEqual(['urgent'])
  expect((await installation.call(listTasks, { params })).items).toEqual([])
  await page.getByLabel('What do you want?').fill('')
  expect(errors).toEqual([])
  await page.close()
})

test('a session that ends in the middle of a form takes no words with it', async () => {
  const task = await add('Change me')
  await moveTo(installation, task.id, 1, 'backlog', 'queued_implementation')
  await moveTo(installation, task.id, 2, 'queued_implementation', 'implementing')
  await moveTo(installation, task.id, 3, 'implementing', 'implementation_review')
  const { page } = await openPage(person)
  await newTask(page)
  await page.getByLabel('What do you want?').fill('A long story')
  await unfold(page)
  await page.getByLabel('Title').fill('A short title')
  await page.goto(`${installation.url}/tasks/${task.id}`)
  await page.getByRole('button', { name: 'Request changes' }).first().click()
  await page.getByRole('dialog').getByRole('textbox').fill('Use fewer words')
  await person.clearCookies()
  // The page may hear of it by itself before the person is done.
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Send' })
    .click({ timeout: 3000 })
    .catch(() => undefined)
  await page.waitForURL(/\/sign-in\?next=/)
  await signIn()
  await page.goto(`${installation.url}${new URL(page.url()).searchParams.get('next')}`)
  await page.getByRole('button', { name: 'Request changes' }).first().click()
  expect(await page.getByRole('dialog').getByRole('textbox').inputValue()).toBe('Use fewer words')
  await newTask(page)
  expect(await page.getByLabel('What do you want?').inputValue()).toBe('A long story')
  expect(await page.getByLabel('Title').inputValue()).toBe('A short title')
  for (const label of ['What do you want?', 'Title']) await page.getByLabel(label).fill('')
  await page.close()
})

test('who takes the newest task keeps what the other one changed and what they typed', async () => {
  const task = await add('Two hands')
  const { page } = await openPage(person)
  await page.goto(`${installation.url}/projects/${project.id}`)
  await page.getByRole('button', { name: `Actions of #${task.number}` }).click()
  await page.getByRole('menuitem', { name: /^Edit/ }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Title').fill('Two hands, my title')
  await installation.call(updateTask, { params: { taskId: task.id }, body: { expectedVersion: 1, priority: 'urgent' } })
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Take the newest and keep my changes' }).click()
  await expect.poll(() => dialog.getByLabel('Priority').inputValue()).toBe('urgent')
  expect(await dialog.getByLabel('Title').inputValue()).toBe('Two hands, my title')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  const saved = await installation.call(getTask, { params: { taskId: task.id } })
  expect(saved).toMatchObject({ title: 'Two hands, my title', priority: 'urgent' })
  await page.close()
})

test('words of the right and of the left run as they are read', async () => {
  const task = await add('שלום עולם abc\n\nleft again')
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${task.id}`)
  await page.getByRole('log').getByText('left again').waitFor()
  // Where the first letter stands in its line.
  const edges = (text: string): Promise<number[]> =>
    page.evaluate(`(() => {
      const line = [...document.querySelectorAll('[role=log] p')].find((one) => one.textContent === ${JSON.stringify(text)})
      const range = document.createRange()
      range.setStart(line.firstChild, 0)
      range.setEnd(line.firstChild, 1)
      const [whole, letter] = [line.getBoundingClientRect(), range.getBoundingClientRect()]
      return [letter.left - whole.left, whole.right - letter.right]
    })()`)
  const [fromLeft = 0, fromRight = 0] = await edges('שלום עולם abc')
  expect(fromRight).toBeLessThan(fromLeft)
  const [start = 0, end = 0] = await edges('left again')
  expect(start).toBeLessThan(end)
  expect(errors).toEqual([])
  await page.close()
})

test('a page shows what no reader of Markdown gets through', async () => {
  const task = await add(`${'>'.repeat(20_000)} the end`)
  const { page, errors } = await openPage(person)
  const answer = await page.goto(`${installation.url}/tasks/${task.id}`)
  expect(answer?.status()).toBe(200)
  await page.getByRole('log').getByText('the end').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('a number that is typed and not added is waited for all the same, and a wrong one makes no task', async () => {
  const first = await add('Come first')
  const { page } = await openPage(person)
  await newTask(page)
  await page.getByLabel('What do you want?').fill('Come second')
  await unfold(page)
  await page.getByLabel('Start now').uncheck()
  const count = async () => (await installation.call(listTasks, { params: { projectId: project.id } })).items.length
  const before = await count()
  await page.getByLabel('Waits for').fill('#9999')
  await page.keyboard.press('Control+Enter')
  await page.getByText('This project has no task #9999.').waitFor()
  expect(await count()).toBe(before)
  await page.getByLabel('Waits for').fill(`#${first.number}`)
  await page.keyboard.press('Control+Enter')
  await page.waitForURL(new RegExp(`/projects/${project.id}$`))
  const [second] = (await installation.call(listTasks, { params: { projectId: project.id } })).items
  expect(second).toMatchObject({ title: 'Come second', blockedBy: [first.number] })
  await page.close()
})
