import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { getSpec } from '@helix/contract/reviews'
import { createTask, type Task } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Request } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'
import { pushSpec } from './spec-push.ts'

const requirements = '# Requirements\n\nThe program greets **the person** whose name it is given.\n\n- one line\n- *nothing* else\n'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let task: Task

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call, url, key } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  task = await call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a greeting', start: false } })
  const remote = `${url.replace('://', `://helix:${key}@`)}${repository.clonePath}`
  pushSpec(remote, task.specFolder, { requirements, design: '# Design\n\nOne function.\n', tasks: '# Tasks\n\n- [x] one\n- [ ] two\n' })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

test('a stranger is sent to sign in, told when a link was used, and goes on to where they wanted', async () => {
  await using stranger = await browser.newContext()
  const { page, errors } = await openPage(stranger)
  await page.goto(`${installation.url}/projects/${project.id}?filter=greeting`)
  expect(new URL(page.url()).pathname).toBe('/sign-in')
  const link = await installation.link()
  await page.goto(`${link}&next=${encodeURIComponent(`/projects/${project.id}?filter=greeting`)}`)
  await page.waitForURL(/filter=greeting/)
  expect(await page.locator('[data-task]').count()).toBe(1)
  await stranger.clearCookies()
  await page.goto(link)
  await page.getByRole('alert').waitFor()
  expect(await page.getByRole('alert').innerText()).toContain('already used')
  expect(errors).toEqual([])
})

test('the link works without script', async () => {
  await using stranger = await browser.newContext({ javaScriptEnabled: false })
  const page = await stranger.newPage()
  await page.goto(await installation.link())
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(/\/projects$/)
  expect(await page.locator('main').innerText()).toContain('Sample')
})

test('a person creates a project and a task by keyboard, and another tab sees the card come', async () => {
  const [{ page, errors }, watcher] = await Promise.all([openPage(person), openPage(person)])
  await page.goto(`${installation.url}/projects/new`)
  await page.getByLabel('Name').fill('Empty one')
  await page.getByText('An empty repository').click()
  await page.getByRole('button', { name: 'Create project' }).click()
  await page.waitForURL(/\/projects\/prj_/)
  await watcher.page.goto(page.url())
  await watcher.page.getByText('No tasks yet').waitFor()
  await page.keyboard.press('c')
  await page.getByLabel('What do you want?').fill('Write the first file\n\nwith a test')
  await page.getByText(/^More/).click()
  await page.getByLabel('Start now').uncheck()
  await page.getByLabel('What do you want?').press('Control+Enter')
  await page.getByRole('link', { name: 'Write the first file' }).waitFor()
  await watcher.page.getByRole('link', { name: 'Write the first file' }).waitFor()
  expect([...errors, ...watcher.errors]).toEqual([])
  await Promise.all([page.close(), watcher.page.close()])
})

test('a selection in the rendered spec becomes a comment on the source, and is highlighted', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${task.id}/spec`)
  const box = await page.getByText('the person').boundingBox()
  if (box === null) throw new Error('the text is not on the page')
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.mouse.move(box.x + 1, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width - 1, box.y + box.height / 2, { steps: 4 })
  await page.mouse.up()
  await page.keyboard.press('c')
  await page.getByLabel('Your comment').fill('Which person?')
  await page.keyboard.press('Control+Enter')
  await page.locator('mark').waitFor()
  const { comments } = await installation.call(getSpec, { params: { taskId: task.id } })
  expect(comments[0]?.anchor).toEqual({ document: 'requirements', quote: 'the person', offset: requirements.indexOf('the person') })
  await page.keyboard.press('3')
  await page.getByRole('checkbox', { name: 'done' }).waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('the first load of the board ships less than 150 KB of compressed script', async () => {
  await using visitor = await browser.newContext()
  await visitor.addCookies(await person.cookies())
  const { page } = await openPage(visitor)
  const scripts: Request[] = []
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(request)
  })
  await page.goto(`${installation.url}/projects/${project.id}`, { waitUntil: 'load' })
  // Only what the first load brought: what comes later may end with the browser.
  const sizes = scripts.map(async (request) => (await request.sizes()).responseBodySize)
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  expect(total).toBeGreaterThan(20_000)
  expect(total).toBeLessThan(150 * 1024)
})
