import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { listSessions } from '@helix/contract/session-life'
import type { JournalPayload } from '@helix/contract/sessions'
import { createTask, getTask, type Task } from '@helix/contract/tasks'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentLink, moveTo } from './agent-link.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let task: Task
let agent: AgentLink

const kept = (n: number, conversation: boolean): JournalPayload => ({
  kind: 'checkpoint',
  n,
  cause: 'turn',
  promptId: null,
  repositories: [{ name: 'sample', branch: 'feature/x', commit: 'c'.repeat(40), head: 'a'.repeat(40) }],
  specs: null,
  agent: conversation ? { commit: 'd'.repeat(40), runtime: 'goose_code', session: 'one' } : null,
  leftOut: conversation ? [] : ['sample: film.mov (2.0 GiB) is larger than 50 MiB'],
})

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  task = await call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a greeting', start: false } })
  await moveTo(installation, task.id, 1, 'backlog', 'queued_planning')
  agent = await AgentLink.open(installation, task.id)
  await agent.says(kept(1, false))
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  agent?.close()
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

test('a checkpoint appears on the session’s page as it is made, says what it holds, and is forked', async () => {
  const { page, errors } = await openPage(person)
  const { sessionId } = await installation.call(getTask, { params: { taskId: task.id } })
  await page.goto(`${installation.url}/sessions/${sessionId}?tab=checkpoints`)
  await page.getByText('files only').waitFor()
  await page.getByText('Left out: 1').click()
  await page.getByText('film.mov (2.0 GiB)').first().waitFor()
  await agent.says(kept(2, true))
  await page.getByRole('button', { name: 'Fork from here: checkpoint 2' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start a session from checkpoint 2?' })
  await dialog.getByText('The agent’s conversation up to here').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  if (process.env.HELIX_PICTURES) await page.screenshot({ path: `${process.env.HELIX_PICTURES}/fork.png` })
  await dialog.getByRole('button', { name: 'Start the session' }).click()
  await page.getByRole('heading', { name: 'Session, from checkpoint 2', exact: true }).waitFor()
  const { items } = await installation.call(listSessions, { params: { projectId: project.id }, query: { tasks: 'without' } })
  expect(items).toMatchObject([{ state: 'queued' }])
  expect(errors).toEqual([])
  await page.close()
})

test('the timeline of a task has the checkpoints of its session', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${task.id}?tab=timeline`)
  await page.getByRole('heading', { name: 'Checkpoints' }).waitFor()
  await page.getByRole('button', { name: 'Fork from here: checkpoint 1' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start a session from checkpoint 1?' })
  await dialog.getByText('The conversation: the agent begins a new one').waitFor()
  await dialog.getByText('film.mov (2.0 GiB)').waitFor()
  expect(errors).toEqual([])
  await page.close()
})
