import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@helix/contract/client'
import type { TaskId } from '@helix/contract/ids'
import { recordStep } from '@helix/contract/internal'
import { createProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import type { TaskStatus } from '@helix/contract/task-status'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openViewer } from './viewer.ts'

let provider: Server
/** What the provider says to a key. */
let answers: [number, object] = [401, { error: { message: 'Incorrect API key provided' } }]
let installation: Installation
let browser: Browser
let person: BrowserContext

beforeAll(async () => {
  provider = createServer((request, response) => {
    const [status, body] = request.url === '/v1/models' ? [200, { data: [{ id: 'a-model' }] }] : answers
    request.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)))
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  const extra = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: url }
  ;[installation, browser] = await Promise.all([openInstallation(undefined, { begun: false, extra }), openBrowser()])
  person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
  provider?.close()
})

const step = (page: Page, key: string) => page.locator(`[data-step="${key}"]`)
const inState = (page: Page, key: string, state: string) => page.locator(`[data-step="${key}"][data-state="${state}"]`).waitFor()

/** As the workflow would. */
async function move(taskId: TaskId, number: number, from: TaskStatus, to: TaskStatus): Promise<void> {
  const worker = createClient({ baseUrl: installation.url, token: installation.token })
  const nothing = { reason: null, actorId: null, expectSpecCommit: null, expectBranchCommit: null, review: null, mergedCommit: null }
  const body = {
    ...nothing,
    key: randomUUID(),
    step: number,
    from,
    to,
    cause: 'test',
    failure: null,
    failedFrom: null,
    activity: 'Reads the code',
  }
  await worker(recordStep, { params: { taskId }, body })
}

test('an administrator hides the first steps for everybody; the palette finds them, and they come back', async () => {
  const { page, errors } = await openPage(person)
  const rail = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Start' })
  await page.goto(await installation.link())
  await page.waitForURL(/\/welcome$/)
  await page.getByRole('button', { name: 'Hide this for everybody' }).click()
  await page.getByText('Getting started is hidden for everybody here').waitFor()
  await rail.waitFor({ state: 'detached' })
  await page.goto(installation.url)
  await page.waitForURL(/\/projects$/)
  await page.getByRole('link', { name: 'Getting started' }).waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').getByRole('combobox').fill('getting started')
  await page.getByRole('option', { name: /Getting started/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/welcome$/)
  await page.getByRole('button', { name: 'Show it again' }).click()
  await rail.waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('who may not set things up sees what is missing and who can, and no button that is refused', async () => {
  await using viewer = await openViewer(installation, browser)
  const { page, errors } = await openPage(viewer)
  await page.goto(installation.url)
  await page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/welcome`)
  await step(page, 'repository').getByText('You need admin in this organisation for it. Ask Administrator.').waitFor()
  expect(await step(page, 'repository').getByRole('link').count()).toBe(0)
  await step(page, 'host').getByText('Whoever runs this installation can do it.').waitFor()
  expect(await page.getByText('Incorrect API key provided').count()).toBe(0)
  expect(await page.getByRole('button', { name: 'Hide this for everybody' }).count()).toBe(0)
  await page.goto(`${installation.url}/admin`)
  await page.getByText(/You need admin/).waitFor()
  expect(errors).toEqual([])
})

test('a new administrator lands on the first steps, and goes from a refused key to a merged task without a reload', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(await installation.link())
  await page.waitForURL(/\/welcome$/)
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Start' }).waitFor()
  await inState(page, 'model', 'wrong')
  await step(page, 'model').getByText('refuses the key').waitFor()
  await step(page, 'model').getByText('Set OPENAI_API_KEY to a valid key').waitFor()
  await step(page, 'model').getByText('Incorrect API key provided').waitFor()
  await inState(page, 'host', 'wrong')
  await step(page, 'host').getByText('No sandbox host has ever connected').waitFor()
  await inState(page, 'task', 'waits')
  expect(await accessibilityFaults(page)).toEqual([])

  answers = [200, { choices: [{ message: { content: 'ok' } }] }]
  // Two tests within three seconds are one: a person clicks again.
  const well = page.locator('[data-step="model"][data-state="done"]')
  await expect
    .poll(
      async () => {
        if (!(await well.isVisible())) await step(page, 'model').getByRole('button', { name: 'Test now' }).click()
        return well.isVisible()
      },
      { timeout: 15_000, interval: 500 },
    )
    .toBe(true)
  await step(page, 'model')
    .getByText(/answered as a-model in \d+ ms/)
    .waitFor()

  await step(page, 'repository').getByRole('link', { name: 'Create a project' }).waitFor()
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  const project = await call(createProject, { body: { name: 'Shop', repositoryIds: [repository.id] } })
  await inState(page, 'repository', 'done')
  await step(page, 'task').getByRole('link', { name: 'Write the first task' }).waitFor()
  const { id } = await call(createTask, { params: { projectId: project.id }, body: { prompt: 'Greet the person', start: false } })
  await step(page, 'task').getByText('Greet the person: waits in the backlog').waitFor()
  await move(id, 1, 'backlog', 'planning')
  await inState(page, 'task', 'working')
  await move(id, 2, 'planning', 'spec_review')
  await step(page, 'task').getByRole('link', { name: 'Review the spec' }).waitFor()
  await move(id, 3, 'spec_review', 'queued_implementation')
  await move(id, 4, 'queued_implementation', 'implementing')
  await move(id, 5, 'implementing', 'pull_request')
  await move(id, 6, 'pull_request', 'merged')
  await page.getByText('Your first task is merged').waitFor()
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Start' }).waitFor({ state: 'detached' })
  await page.goto(installation.url)
  await page.waitForURL(/\/projects$/)
  expect(errors).toEqual([])
  await page.close()
})
