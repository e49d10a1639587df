/// <reference lib="dom" />
import { createLabel } from '@helix/contract/labels'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

const many = 200
let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  const params = { projectId: project.id }
  const label = await call(createLabel, { params, body: { name: 'docs' } })
  for (let made = 0; made < many; made++)
    await call(createTask, { params, body: { prompt: `Page ${made}`, start: false, labelIds: made === 0 ? [] : [label.id] } })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

async function openAt(path = ''): Promise<Page> {
  const { page } = await openPage(person)
  await page.goto(`${installation.url}/projects/${project.id}${path}`)
  return page
}
const lane = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
const pick = async (page: Page, menu: string, item: string | RegExp): Promise<void> => {
  await page.getByRole('button', { name: menu, exact: true }).click()
  await page.getByRole('menuitem', { name: item, exact: typeof item === 'string' }).click()
}

test('a lane of hundreds holds only the cards in sight, shows the rest by scrolling, and says what a drop means', async () => {
  const page = await openAt('?group=label')
  const docs = lane(page, 'docs')
  await docs.locator('[data-task]').first().waitFor()
  expect(await docs.locator('[data-task]').count()).toBeLessThan(40)
  const first = docs.locator('[data-task]').first()
  await first.hover()
  for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(0, 800)
  await docs.getByText('Page 1', { exact: true }).waitFor()
  const from = await docs.getByText('Page 1', { exact: true }).boundingBox()
  const merged = await docs.locator('[data-column="6"]').boundingBox()
  if (from === null || merged === null) throw new Error('the lane is not there')
  await page.mouse.move(from.x + 30, from.y + 5)
  await page.waitForTimeout(500)
  await page.mouse.down()
  await page.mouse.move(from.x + 60, from.y - 20, { steps: 5 })
  await page.mouse.move(merged.x + merged.width / 2, merged.y + 60, { steps: 15 })
  await docs.locator('[data-column="6"]').getByText('It begins with planning').waitFor()
  await page.mouse.up()
  await page.close()
})

test('a view keeps filter and groups, brings both back, and is deleted', async () => {
  const page = await openAt('?group=label')
  const filter = page.getByRole('searchbox', { name: 'Filter' })
  await filter.fill('label:none')
  await expect.poll(() => page.locator('[data-task]').count()).toBe(1)
  await pick(page, 'Views', 'Save this view')
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Name of the view' }).fill('Without a label')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  await pick(page, 'Board', 'No groups')
  await filter.fill('')
  await lane(page, 'Backlog').waitFor()
  await page.goBack()
  await lane(page, 'No label').waitFor()
  await page.goForward()
  await lane(page, 'Backlog').waitFor()
  await pick(page, 'Views', 'Without a label')
  await lane(page, 'No label').waitFor()
  expect(await filter.inputValue()).toBe('label:none')
  await expect.poll(() => page.locator('[data-task]').count()).toBe(1)
  await pick(page, 'Views', 'Delete the view')
  await page.reload()
  await page.getByRole('button', { name: 'Views', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Save this view' }).waitFor()
  expect(await page.getByRole('menuitem', { name: 'Without a label' }).count()).toBe(0)
  await page.close()
})

test('a template keeps what was asked and fills the next task; a file that is dropped on the words hangs on it', async () => {
  const page = await openAt('/new')
  const prompt = page.getByRole('textbox', { name: 'What do you want?' })
  await prompt.fill('Write the release notes')
  await pick(page, 'Templates', /^Save/)
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox').fill('Release notes')
  await dialog.getByRole('button', { name: /^Save/ }).click()
  await dialog.waitFor({ state: 'detached' })
  await prompt.fill('')
  await pick(page, 'Templates', 'Release notes')
  await expect.poll(() => prompt.inputValue()).toBe('Write the release notes')
  await prompt.fill('A long story')
  await pick(page, 'Templates', 'Release notes')
  await expect.poll(() => prompt.inputValue()).toBe('Write the release notes')
  await page.getByRole('button', { name: 'Undo' }).click()
  expect(await prompt.inputValue()).toBe('A long story')
  await prompt.fill('Write the release notes')
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer()
    data.items.add(new File(['one, two'], 'numbers.csv', { type: 'text/csv' }))
    return data
  })
  // Beside the box: a browser would open the file in place of the page.
  await page.locator('summary').dispatchEvent('drop', { dataTransfer: dropped })
  await page.getByRole('link', { name: 'numbers.csv' }).waitFor()
  expect(await prompt.inputValue()).toBe('Write the release notes')
  await page.close()
})
