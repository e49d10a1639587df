import { getTaskAgent } from '@helix/contract/conversation'
import type { JournalPayload } from '@helix/contract/sessions'
import type { Task } from '@helix/contract/tasks'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AgentLink } from './agent-link.ts'
import { accessibilityFaults, openPage } from './browser.ts'
import type { Installation } from './installation.ts'
import { Tasks } from './open-tasks.ts'

let tasks: Tasks
let installation: Installation
let person: BrowserContext
let task: Task
let agent: AgentLink

beforeAll(async () => {
  tasks = await Tasks.open()
  ;({ installation, person } = tasks)
})
afterAll(() => tasks?.[Symbol.asyncDispose]())
beforeEach(async () => {
  ;({ task, agent } = await tasks.begin())
  return () => agent.close()
})

const open = (page: Page, tab?: string): Promise<void> => tasks.show(page, task, tab)
const prompt: JournalPayload = { kind: 'prompt', promptId: 'prm_1', origin: 'person', author: 'Ada', text: 'Go' }

test('messages queue, go first, are changed and taken back; a draft outlives a reload', async () => {
  const { page, errors } = await openPage(person)
  await agent.says(prompt)
  await open(page)
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  await box.fill('First')
  await box.press('Enter')
  const waiting = page.getByRole('region', { name: 'Waiting messages' })
  await waiting.getByText('First').waitFor()
  await page.getByLabel('How to send').selectOption('steer')
  await box.fill('Before all')
  await box.press('Enter')
  await expect.poll(() => waiting.locator('li p:first-child').allInnerTexts()).toEqual(['Before all', 'First'])
  const first = waiting.locator('li', { hasText: 'First' })
  await first.getByRole('button', { name: 'Edit message' }).click()
  await waiting.getByRole('textbox', { name: 'Edit message' }).fill('First, changed')
  await waiting.getByRole('button', { name: 'Save' }).click()
  await waiting.getByText('First, changed').waitFor()
  await waiting.locator('li', { hasText: 'Before all' }).getByRole('button', { name: 'Take back' }).click()
  await expect.poll(() => waiting.locator('li').count()).toBe(1)
  const { queued } = await installation.call(getTaskAgent, { params: { taskId: task.id } })
  expect(queued.map(({ text }) => text)).toEqual(['First, changed'])
  await box.fill('Two lines')
  await box.press('Shift+Enter')
  await page.reload()
  await expect.poll(() => box.inputValue()).toBe('Two lines\n')
  expect(errors).toEqual([])
  await page.close()
})

test('a file of the repository is named by a few letters, with the keys', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  await box.click()
  await box.pressSequentially('Look at @pack')
  await page.getByRole('option', { name: 'package.json' }).waitFor()
  await box.press('Enter')
  await expect.poll(() => box.inputValue()).toBe('Look at @package.json ')
  expect(errors).toEqual([])
  await page.close()
})

test('a file that is chosen goes with the message', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  await page.locator('input[type=file]').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('three notes') })
  await page.getByRole('list', { name: 'Attached files' }).getByText('notes.txt').waitFor()
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  await box.fill('Read my notes')
  await box.press('Enter')
  await page.getByRole('region', { name: 'Waiting messages' }).getByText('Read my notes').waitFor()
  expect(await page.getByRole('list', { name: 'Attached files' }).count()).toBe(0)
  const { queued } = await installation.call(getTaskAgent, { params: { taskId: task.id } })
  expect((await agent.prompt(queued[0]?.id ?? '')).text).toMatch(/^Read my notes\n.*notes\.txt \(text\/plain\): http/s)
  expect(errors).toEqual([])
  await page.close()
})

test('offline loses nothing: a message goes once, as it was sent, when Helix answers again; what is typed meanwhile stays', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  await page.locator('input[type=file]').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('three notes') })
  const attached = page.getByRole('list', { name: 'Attached files' })
  await attached.getByText('notes.txt').waitFor()
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  await box.fill('Through the tunnel')
  await person.setOffline(true)
  await box.press('Control+Enter')
  const held = page.getByRole('region', { name: 'Not sent yet' })
  await held.getByText('Through the tunnel').waitFor()
  await held.getByText('Interrupt · 1 file').waitFor()
  expect([await box.inputValue(), await attached.count()]).toEqual(['', 0])
  await box.fill('Second')
  await box.press('Enter')
  await held.getByText('Second').waitFor()
  await box.fill('Half a sen')
  expect(await accessibilityFaults(page)).toEqual([])
  if (process.env.HELIX_PICTURES) await page.screenshot({ path: `${process.env.HELIX_PICTURES}/held.png` })
  await person.setOffline(false)
  await held.waitFor({ state: 'detached' })
  expect(await box.inputValue()).toBe('Half a sen')
  const { queued } = await installation.call(getTaskAgent, { params: { taskId: task.id } })
  expect(queued.map(({ text, mode }) => [text, mode])).toEqual([
    ['Through the tunnel', 'interrupt'],
    ['Second', 'queue'],
  ])
  expect((await agent.prompt(queued[0]?.id ?? '')).text).toContain('notes.txt')
  expect(errors.filter((error) => !error.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([])
  await page.close()
})

test('a message whose answer was lost is sent once, also when the page was closed meanwhile', async () => {
  const { page } = await openPage(person)
  await open(page)
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  const prompts = '**/api/v1/tasks/*/prompts'
  await page.route(prompts, async (route) => {
    await route.fetch()
    await route.abort()
  })
  await box.fill('Only once')
  await box.press('Enter')
  const held = page.getByRole('region', { name: 'Not sent yet' })
  await held.getByText('Only once').waitFor()
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.reload()
  await page.getByRole('region', { name: 'Waiting messages' }).getByText('Only once').waitFor()
  await held.waitFor({ state: 'detached' })
  const { queued } = await installation.call(getTaskAgent, { params: { taskId: task.id } })
  expect(queued.map(({ text }) => text)).toEqual(['Only once'])
  await page.route(prompts, (route) => route.abort())
  await box.fill('Rather not')
  await box.press('Enter')
  await held.getByRole('button', { name: 'Take back' }).click()
  await held.waitFor({ state: 'detached' })
  expect(await box.inputValue()).toBe('Rather not')
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await box.clear()
  await page.close()
})

test('who edits a message that the agent takes meanwhile keeps what they typed', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  await box.fill('Use tabs')
  await box.press('Enter')
  const waiting = page.getByRole('region', { name: 'Waiting messages' })
  await waiting.getByRole('button', { name: 'Edit message' }).click()
  await waiting.getByRole('textbox', { name: 'Edit message' }).fill('Use tabs, and only tabs')
  const { queued } = await installation.call(getTaskAgent, { params: { taskId: task.id } })
  await agent.begins(queued[0]?.id as never)
  await page.getByText('The message does not wait any more', { exact: false }).waitFor()
  expect(await box.inputValue()).toBe('Use tabs, and only tabs')
  expect(errors).toEqual([])
  await page.close()
})
