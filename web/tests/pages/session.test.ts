import { createClient } from '@helix/contract/client'
import type { PromptId, SessionId } from '@helix/contract/ids'
import { recordTurn } from '@helix/contract/internal'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { getSessionAgent } from '@helix/contract/session-agent'
import { createSession } from '@helix/contract/session-life'
import { getSession } from '@helix/contract/sessions'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let host: FleetHost

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  host = await FleetHost.open(installation, 'mars')
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await host?.close()
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

const agentOf = (sessionId: SessionId) => installation.call(getSessionAgent, { params: { sessionId } })
const turn = (sessionId: SessionId, promptId: PromptId, state: 'running' | 'ended') =>
  createClient({ baseUrl: installation.url, token: installation.token })(recordTurn, {
    params: { sessionId },
    body: { promptId, state, outcome: state === 'ended' ? 'end_turn' : null },
  })

test('a session is started with a first message, says where it stands, and its start’s steps are shown', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/projects/${project.id}/sessions`)
  await page.getByRole('button', { name: 'New session' }).click()
  const dialog = page.getByRole('dialog', { name: 'New session' })
  await dialog.getByLabel('What do you want?').fill('Look at the parser')
  await dialog.getByLabel('Name').fill('Parser')
  await dialog.getByLabel('Agent').selectOption({ label: 'Claude Code' })
  await dialog.getByLabel('Machine', { exact: true }).selectOption({ label: 'Custom' })
  await dialog.getByLabel('Processors').fill('3')
  await dialog.getByLabel('Labels of its host').fill('arch=x 64')
  expect(await accessibilityFaults(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Start' }).click()
  await dialog.getByText('arch: use 1 to 63 letters').waitFor()
  await dialog.getByLabel('Labels of its host').fill('arch=x64')
  await dialog.getByRole('button', { name: 'Start' }).click()
  await page.getByRole('heading', { name: 'Parser' }).waitFor()
  await page.locator('[data-session-state="queued"]').getByText('Waits for a machine').waitFor()
  await page.getByText('Look at the parser').waitFor()
  const sessionId = new URL(page.url()).pathname.split('/').at(-1) as SessionId
  expect(await installation.call(getSession, { params: { sessionId } })).toMatchObject({ agentRuntime: 'claude_code', title: 'Parser' })
  await host.takes(sessionId)
  await page.locator('[data-session-state="idle"]').getByText('Ready').waitFor()
  await page.getByRole('link', { name: 'mars' }).waitFor()
  await page.getByRole('link', { name: 'Starts' }).click()
  await page.getByText('first start').waitFor()
  await page.getByText('1.8 s').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('a start shows its steps and their times while it goes on, without anybody asking', async () => {
  const { id } = await installation.call(createSession, { params: { projectId: project.id }, body: { title: 'Slow' } })
  await host.begins(id)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sessions/${id}?tab=starts`)
  await page.locator('[data-session-state="starting"]').getByText('Is being started').waitFor()
  const network = { name: 'network', durationMs: 800 }
  await host.isAt(id, 'clone sample', { stages: [network], running: [{ name: 'supervisor: clone sample', sinceMs: 61_000 }] })
  await page.locator('[data-session-state="starting"]').getByText('Is being started: clone sample').waitFor()
  const steps = (which: 'over' | 'running') => page.locator(`[data-step="${which}"]`)
  await steps('over').filter({ hasText: 'network' }).getByText('800 ms').waitFor()
  await steps('running')
    .filter({ hasText: 'clone sample' })
    .getByText(/1 m \d+ s/)
    .waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  const clone = { name: 'supervisor: clone sample', durationMs: 62_000 }
  await host.isAt(id, 'agent start', { stages: [network, clone], running: [{ name: 'supervisor: agent start', sinceMs: 10 }] })
  await steps('over').filter({ hasText: 'clone sample' }).waitFor()
  await steps('running').filter({ hasText: 'agent start' }).waitFor()
  await host.started(id)
  await page.locator('[data-session-state="idle"]').getByText('Ready').waitFor()
  await expect.poll(() => steps('running').count()).toBe(0)
  expect(errors).toEqual([])
  await page.close()
})

test('a person talks to the agent, takes a message back, answers what it asks, and stops its turn', async () => {
  const session = await installation.call(createSession, { params: { projectId: project.id }, body: { title: 'Talk' } })
  await host.takes(session.id)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sessions/${session.id}`)
  await page.getByText('Nothing was said yet').waitFor()
  const box = page.getByLabel('Message to the agent')
  for (const text of ['First', 'Second']) {
    await box.fill(text)
    await box.press('Enter')
    await page.locator('[data-prompt]').getByText(text).waitFor()
  }
  await page.locator('[data-prompt]').filter({ hasText: 'Second' }).getByRole('button', { name: 'Take back' }).click()
  await expect.poll(() => page.locator('[data-prompt]').count()).toBe(1)
  const [first] = (await agentOf(session.id)).queued
  if (first === undefined) throw new Error('nothing waits')
  await turn(session.id, first.id, 'running')
  host.says(
    session.id,
    { kind: 'prompt', promptId: first.id, origin: 'person', author: 'Administrator', text: 'First' },
    { kind: 'chunk', messageId: 'm1', role: 'agent', text: 'I look at it.' },
    {
      kind: 'permission',
      requestId: 'r1',
      promptId: first.id,
      title: 'npm test',
      tool: 'execute',
      options: [{ id: 'yes', name: 'Allow once', kind: 'allow_once' }],
    },
  )
  await page.getByText('I look at it.').waitFor()
  await page.getByText('The agent asks you something').waitFor()
  await page.getByRole('button', { name: 'Allow once' }).click()
  await expect.poll(async () => (await agentOf(session.id)).permissions).toEqual([])
  await page.getByRole('button', { name: 'Stop the turn' }).click()
  await turn(session.id, first.id, 'ended')
  await page.getByRole('button', { name: 'Stop the turn' }).waitFor({ state: 'detached' })
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('what the agent of a session asks is answered in the inbox', async () => {
  const session = await installation.call(createSession, { params: { projectId: project.id }, body: { title: 'Asks' } })
  await host.takes(session.id)
  const options = [{ id: 'yes', name: 'Allow once', kind: 'allow_once' as const }]
  host.says(session.id, { kind: 'permission', requestId: 'r7', promptId: null as never, title: 'npm publish', tool: 'execute', options })
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/inbox`)
  const item = page.locator('[data-inbox]').filter({ hasText: 'Asks' })
  await item.getByText('npm publish').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await item.getByRole('button', { name: 'Answer' }).click()
  await item.getByRole('button', { name: 'Allow once' }).click()
  await expect.poll(async () => (await agentOf(session.id)).permissions).toEqual([])
  await item.waitFor({ state: 'detached' })
  expect(errors).toEqual([])
  await page.close()
})

test('a session is renamed, and on a phone the conversation comes first', async () => {
  const session = await installation.call(createSession, { params: { projectId: project.id }, body: { title: 'Old' } })
  const { page, errors } = await openPage(person)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(`${installation.url}/sessions/${session.id}`)
  await page.getByLabel('Message to the agent').waitFor()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('New name')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'New name' }).waitFor()
  await page.getByRole('link', { name: 'Checkpoints' }).click()
  await page.getByText('No checkpoint yet').waitFor()
  expect(await page.getByLabel('Message to the agent').isVisible()).toBe(false)
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})
