import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@helix/contract/client'
import { answerOption, declineOption } from '@helix/contract/forms'
import type { TaskId } from '@helix/contract/ids'
import { recordStep } from '@helix/contract/internal'
import { listMail } from '@helix/contract/mail'
import { getNotifications, updateNotifications } from '@helix/contract/notifications'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import type { TaskStatus } from '@helix/contract/task-status'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentLink } from './agent-link.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

/** As the workflow would. */
async function step(taskId: TaskId, number: number, from: TaskStatus, to: TaskStatus, message?: string): Promise<void> {
  const worker = createClient({ baseUrl: installation.url, token: installation.token })
  const nothing = { reason: null, actorId: null, expectSpecCommit: null, expectBranchCommit: null, review: null, mergedCommit: null }
  const failure = message === undefined ? null : { code: 'deadline', message }
  const body = { ...nothing, key: randomUUID(), step: number, from, to, cause: 'test', failure, failedFrom: null, activity: to }
  await worker(recordStep, { params: { taskId }, body })
}
async function taskIn(title: string, to: TaskStatus, message?: string): Promise<TaskId> {
  const { id } = await installation.call(createTask, { params: { projectId: project.id }, body: { prompt: title, start: false } })
  await step(id, 1, 'backlog', to, message)
  return id
}

test('what needs a person comes by itself, is counted in the rail, and goes when anyone has handled it', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/inbox`)
  await page.getByText('Nothing needs you').waitFor()
  const review = await taskIn('Greet the person', 'spec_review')
  await taskIn('Count the words', 'failed', 'It took longer than two hours.')
  await page.getByText('It took longer than two hours.').waitFor()
  await page.locator('nav [data-count="2"]').waitFor()
  expect(await page.getByRole('region', { name: 'For you' }).getByRole('listitem').count()).toBe(2)
  await step(review, 2, 'spec_review', 'queued_implementation')
  await page.locator('nav [data-count="1"]').waitFor()
  expect(await page.getByText('Greet the person').count()).toBe(0)
  await page.getByRole('link', { name: 'Done' }).click()
  await page.getByText('Approved').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('the whole inbox is worked through by keyboard: move, snooze, bring back, done, open', async () => {
  const { page, errors } = await openPage(person)
  const last = await taskIn('Read the file', 'spec_review')
  await page.goto(`${installation.url}/inbox`)
  await page.getByRole('link', { name: /Read the file/ }).waitFor()
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.keyboard.press('j')
  await page.keyboard.press('s')
  await page.getByRole('menuitem', { name: 'Until tomorrow' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.locator('nav [data-count="1"]').waitFor()
  await page.getByRole('link', { name: /^Snoozed/ }).click()
  await page.getByRole('button', { name: 'Bring back' }).click()
  await page.getByText('Nothing is snoozed').waitFor()
  await page.getByRole('link', { name: /^Open/ }).click()
  await page.getByRole('link', { name: /Read the file/ }).waitFor()
  const before = await page.getByRole('link', { name: /Count the words/ }).count()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('e')
  await page.getByText('Count the words').waitFor({ state: 'detached' })
  expect(before).toBe(1)
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/tasks/${last}/spec`)
  expect(errors).toEqual([])
  await page.close()
})

test('what an agent asks is answered in the inbox, and leaves it', async () => {
  const { page, errors } = await openPage(person)
  const taskId = await taskIn('Tidy the folder', 'implementing')
  const agent = await AgentLink.open(installation, taskId)
  const options = [
    { id: 'yes', name: 'Allow once', kind: 'allow_once' as const },
    { id: 'no', name: 'Reject', kind: 'reject_once' as const },
  ]
  const asked = { kind: 'permission' as const, requestId: 'r1', promptId: null, title: 'rm -rf build', tool: 'execute', options }
  const field = { description: '', required: true, initial: null, minLength: null, maxLength: null }
  const fields = [{ type: 'text' as const, name: 'port', title: 'Port', ...field }]
  const question = { ...asked, requestId: 'q1', title: 'Which port?', tool: 'question', options: [answerOption, declineOption], fields }
  await agent.says(asked, question)
  await page.goto(`${installation.url}/inbox`)
  const row = page.getByRole('listitem').filter({ hasText: 'Tidy the folder' })
  const permission = row.filter({ hasText: 'rm -rf build' })
  const asks = row.filter({ hasText: 'Which port?' })
  await permission.getByRole('button', { name: 'Answer' }).click()
  await permission.getByRole('region', { name: 'The agent asks for permission' }).getByRole('button', { name: 'Allow once' }).click()
  await expect.poll(() => agent.answers.map(({ requestId, optionId }) => [requestId, optionId])).toContainEqual(['r1', 'yes'])
  await permission.waitFor({ state: 'detached' })
  await asks.getByRole('link').focus()
  await page.keyboard.press('a')
  await asks.getByLabel('Port').fill('8080')
  expect(await accessibilityFaults(page)).toEqual([])
  await asks.getByRole('region').getByRole('button', { name: 'Answer', exact: true }).click()
  await expect.poll(() => agent.answers.map(({ values }) => values)).toContainEqual({ port: '8080' })
  await expect.poll(() => row.count(), { timeout: 10_000 }).toBe(0)
  expect(errors).toEqual([])
  await Promise.all([agent.close(), page.close()])
})

test('two people see the same: what one marks as done leaves the other’s page', async () => {
  const [{ page: mine }, { page: theirs }] = await Promise.all([openPage(person), openPage(person)])
  await taskIn('Sort the list', 'failed', 'No change was made.')
  await Promise.all([mine.goto(`${installation.url}/inbox`), theirs.goto(`${installation.url}/inbox?project=${project.id}`)])
  await theirs.getByText('No change was made.').waitFor()
  const row = mine.getByRole('listitem').filter({ hasText: 'Sort the list' })
  await row.getByRole('button', { name: 'Done' }).click()
  await theirs.getByText('No change was made.').waitFor({ state: 'detached' })
  await Promise.all([mine.close(), theirs.close()])
})

test('a person chooses what is sent and when, and finds it so again', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/settings/notifications`)
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.getByLabel('Mention: E-mail').uncheck()
  await page.getByLabel('Time zone').selectOption('Asia/Tokyo')
  await page.getByLabel('Quiet hours').check()
  await page.getByLabel('From').fill('23:30')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  await page.reload()
  expect(await page.getByLabel('Mention: E-mail').isChecked()).toBe(false)
  expect(await page.getByLabel('Time zone').inputValue()).toBe('Asia/Tokyo')
  expect(await page.getByLabel('From').inputValue()).toBe('23:30')
  expect(errors).toEqual([])
  await page.close()
})

test('an administrator adds a webhook, copies its secret once, tests it, and sees why it fails', async () => {
  const receiver = createServer((_request, response) => response.writeHead(503).end())
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/settings/webhooks`)
  await page.getByText('No webhooks').waitFor()
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.getByRole('button', { name: 'Add webhook' }).click()
  await page.getByLabel('Name').fill('Team chat')
  await page.getByLabel('URL').fill(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('must be an https URL', { exact: true }).waitFor()
  await page.getByLabel('URL').fill(`https://127.0.0.1:${(receiver.address() as AddressInfo).port}/`)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').filter({ hasText: 'whsec_' }).waitFor()
  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByText('not an address of the public internet').waitFor()
  await page.reload()
  await page.getByText('Team chat').waitFor()
  expect(await page.getByText('whsec_').count()).toBe(0)
  expect(errors).toEqual([])
  receiver.close()
  await page.close()
})

test('an administrator reads the mail log and opens a link from it', async () => {
  // Whatever hour it is where this runs.
  const { settings } = await installation.call(getNotifications, {})
  await installation.call(updateNotifications, { body: { ...settings, quietHours: null } })
  const id = await taskIn('Told by mail', 'failed', 'It broke')
  // Those of one moment are one mail, with a subject of its own.
  const mailed = async () => (await installation.call(listMail, {})).items.some(({ text }) => text?.includes(id))
  await expect.poll(mailed, { timeout: 20_000 }).toBe(true)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/settings/mail`)
  await page.getByText('No mail server is configured').waitFor()
  await page
    .getByRole('link', { name: /^Open the link/ })
    .first()
    .click()
  await page.waitForURL(/\/tasks\/tsk_/)
  expect(errors).toEqual([])
  await page.close()
})
