import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTaskBudget } from '@helix/contract/budgets'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { sendPrompt } from '@helix/contract/task-work'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentLink, moveTo } from './agent-link.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

const provider = createServer((request, response) => {
  const usage = { prompt_tokens: 40, completion_tokens: 10, total_tokens: 50 }
  request
    .resume()
    .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ choices: [], usage })))
})
let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  const extra = { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'k' }
  ;[installation, browser] = await Promise.all([openInstallation(undefined, { extra }), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
  provider.closeAllConnections()
  provider.close()
})

const infer = (key: string): Promise<Response> =>
  fetch(`${installation.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] }),
  })

test('a budget of the organisation is set, changed and removed by hand, and what is no amount is said at the field', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/settings/budgets`)
  await page.getByText('No budgets').waitFor()
  await page.getByRole('main').getByRole('button', { name: 'Set a budget' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Period').selectOption('day')
  await dialog.getByLabel('Limit').fill('much')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('Type dollars, like 50 or 12.50.').waitFor()
  await dialog.getByLabel('Limit').fill('12.50')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('$0.00 of $12.50 spent').waitFor()
  await page.getByRole('main').getByRole('button', { name: 'Change' }).click()
  await dialog.getByLabel('Limit').fill('1,000')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('of $1,000.00 spent').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('button', { name: /^More actions/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await page.getByText('No budgets').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('a task whose agent ran out of budget says so on its card, in the inbox and on its page, and goes on when it is raised', async () => {
  const { call } = installation
  const task = await call(createTask, { params: { projectId: project.id }, body: { prompt: 'Greet the person', start: false } })
  const params = { taskId: task.id }
  const agent = await AgentLink.open(installation, task.id)
  await moveTo(installation, task.id, 1, 'backlog', 'implementing')
  await call(setTaskBudget, { params, body: { period: 'total', unit: 'tokens', limit: 40 } })
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/projects/${project.id}`)
  await page.locator(`[data-task="${task.id}"]`).waitFor()
  const { promptId } = await call(sendPrompt, { params, body: { text: 'Greet them' } })
  await agent.begins(promptId)
  expect((await infer(agent.gatewayToken)).status).toBe(402)
  await agent.fails(promptId, '402 budget_exhausted')
  await page.locator(`[data-task="${task.id}"]`).getByText('Needs budget', { exact: true }).waitFor()

  await page.goto(`${installation.url}/inbox`)
  await page.getByRole('link', { name: 'Raise the budget' }).click()
  await page.getByText('The agent stopped before its budget was passed.').waitFor()
  await page.getByRole('main').getByRole('button', { name: 'Raise' }).click()
  await page.getByRole('dialog').getByText('With a limit that leaves room for it').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('dialog').getByRole('button', { name: 'Raise' }).click()
  await page.getByText('Saved. One session goes on.').waitFor()
  await page.getByText('The agent stopped before its budget was passed.').waitFor({ state: 'detached' })
  await page.goto(`${installation.url}/tasks/${task.id}?tab=timeline`)
  await page.getByRole('heading', { name: 'Waited for budget' }).waitFor()
  await page.goto(`${installation.url}/inbox`)
  await page.getByText('Nothing needs you').waitFor()
  expect((await infer(agent.gatewayToken)).status).toBe(200)
  expect(errors).toEqual([])
  agent.close()
  await page.close()
})
