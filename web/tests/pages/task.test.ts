import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { listCodeComments } from '@helix/contract/code-comments'
import { getTaskAgent } from '@helix/contract/conversation'
import { answerOption, declineOption, type FormField } from '@helix/contract/forms'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository, type Repository } from '@helix/contract/repositories'
import type { JournalPayload } from '@helix/contract/sessions'
import { createTask, type Task } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { AgentLink, moveTo } from './agent-link.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let repository: Repository
let task: Task
let agent: AgentLink

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page } = await openPage(person)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

beforeEach(async () => {
  task = await installation.call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a greeting', start: false } })
  agent = await AgentLink.open(installation, task.id)
  await moveTo(installation, task.id, 1, 'backlog', 'queued_implementation')
  await moveTo(installation, task.id, 2, 'queued_implementation', 'implementing')
  return () => agent.close()
})

const open = async (page: Page, tab = 'timeline'): Promise<void> => {
  await page.goto(`${installation.url}/tasks/${task.id}?tab=${tab}`)
  await page.locator('[data-waits-for]').waitFor()
}
const prompt: JournalPayload = { kind: 'prompt', promptId: 'prm_1', origin: 'person', author: 'Ada', text: 'Go' }
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

test('what the agent asks is answered in place, and the agent gets the answer', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  const options = [
    { id: 'yes', name: 'Allow once', kind: 'allow_once' as const },
    { id: 'no', name: 'Reject', kind: 'reject_once' as const },
  ]
  await agent.says(prompt, { kind: 'permission', requestId: 'r1', promptId: null, title: 'rm -rf build', tool: 'execute', options })
  const question = page.getByRole('region', { name: 'The agent asks for permission' })
  await question.getByText('rm -rf build').waitFor()
  await page.locator('[data-waits-for]', { hasText: 'Waits for your permission: rm -rf build' }).waitFor()
  await question.getByRole('button', { name: 'Allow once' }).click()
  await expect.poll(() => agent.answers.map(({ requestId, optionId }) => [requestId, optionId])).toContainEqual(['r1', 'yes'])
  await agent.says({ kind: 'permission_end', requestId: 'r1', outcome: 'selected', optionId: 'yes', answeredBy: 'Ada' })
  await question.getByText('Ada answered: Allow once').waitFor()
  await expect.poll(() => page.locator('[data-waits-for]').innerText()).not.toContain('permission')
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('a question of the agent is answered with its form; what was filled in outlives a reload', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  const common = { description: '', required: false, initial: null }
  const choices = ['Redis', 'Memory'].map((value) => ({ value, label: value, description: `${value} it is` }))
  const fields: FormField[] = [
    { type: 'choice', name: 'cache', title: 'Cache', ...common, options: choices },
    { type: 'text', name: 'other', title: 'Other', ...common, minLength: null, maxLength: null },
    { type: 'number', name: 'port', title: 'Port', ...common, required: true, whole: true, minimum: 1, maximum: 65535 },
    { type: 'choices', name: 'where', title: 'Where', ...common, options: choices, minItems: null, maxItems: null },
    { type: 'yes_no', name: 'sure', title: 'Sure', ...common },
  ]
  const options = [answerOption, declineOption]
  await agent.says(prompt, {
    kind: 'permission',
    requestId: 'q1',
    promptId: null,
    title: 'Which cache?',
    tool: 'question',
    options,
    fields,
  })
  await page.locator('[data-waits-for]', { hasText: 'Waits for your answer: Which cache?' }).waitFor()
  const question = page.getByRole('region', { name: 'The agent asks' })
  await question.getByRole('button', { name: 'Answer', exact: true }).click()
  await question.getByText('an answer is needed').waitFor()
  await question.getByRole('radio', { name: 'Redis' }).check()
  await question.getByLabel('Port').fill('99999')
  await question.getByText('at most 65535').waitFor()
  await question.getByLabel('Port').fill('6379')
  await question.getByRole('checkbox', { name: 'Memory' }).check()
  await question.getByRole('radio', { name: 'No' }).check()
  await page.reload()
  expect(await question.getByRole('radio', { name: 'Redis' }).isChecked()).toBe(true)
  expect(await question.getByLabel('Port').inputValue()).toBe('6379')
  expect(await accessibilityFaults(page)).toEqual([])
  if (process.env.HELIX_PICTURES) await page.screenshot({ path: `${process.env.HELIX_PICTURES}/question.png` })
  await question.getByLabel('Other').fill('with a limit')
  await question.getByRole('button', { name: 'Answer', exact: true }).click()
  const values = { cache: 'Redis', other: 'with a limit', port: 6379, where: ['Memory'], sure: false }
  await expect.poll(() => agent.answers.map((one) => one.values)).toContainEqual(values)
  await agent.says({ kind: 'permission_end', requestId: 'q1', outcome: 'selected', optionId: 'answer', answeredBy: 'Ada', values })
  await question.getByText('Ada answered').waitFor()
  await question.getByText('with a limit').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

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

test('offline for a moment loses nothing: the message is sent once Helix answers again', async () => {
  const { page } = await openPage(person)
  await open(page)
  const box = page.getByRole('textbox', { name: 'Message to the agent' })
  await box.fill('Through the tunnel')
  await person.setOffline(true)
  await box.press('Enter')
  await page.getByText('Not sent yet').waitFor()
  expect(await box.inputValue()).toBe('Through the tunnel')
  await person.setOffline(false)
  await page.getByRole('region', { name: 'Waiting messages' }).getByText('Through the tunnel').waitFor()
  expect(await box.inputValue()).toBe('')
  const { queued } = await installation.call(getTaskAgent, { params: { taskId: task.id } })
  expect(queued).toHaveLength(1)
  await page.close()
})

test('tool calls open to terminal output and pictures', async () => {
  const { page, errors } = await openPage(person)
  const call = { kind: 'tool' as const, status: 'completed' as const }
  await agent.says(
    prompt,
    {
      ...call,
      toolCallId: 't1',
      title: 'npm test',
      toolKind: 'execute',
      content: [{ kind: 'terminal', output: '\u001b[31mred\u001b[0m', exitCode: 1 }],
    },
    { ...call, toolCallId: 't2', title: 'screenshot', content: [{ kind: 'image', mediaType: 'image/png', data: png }] },
  )
  await open(page)
  await page.getByText('npm test').click()
  await page.getByText('Ended with code 1').waitFor()
  expect(await page.getByRole('region', { name: 'Output' }).innerText()).toBe('red')
  await page.getByText('screenshot').click()
  const picture = page.getByRole('img', { name: 'Picture from screenshot' })
  await expect.poll(() => picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBe(1)
  expect(errors).toEqual([])
  await page.close()
})

test('ten thousand entries stay few on the page, older ones come without a jump, new ones wait for the reader', async () => {
  const chunks = Array.from(
    { length: 9_999 },
    (_, index): JournalPayload => ({
      kind: 'chunk',
      messageId: `m${index}`,
      role: 'agent',
      text: `Message ${index} ${'word '.repeat(index % 40)}`,
    }),
  )
  await agent.says(prompt, ...chunks)
  const { page, errors } = await openPage(person)
  await open(page)
  const log = page.getByRole('log')
  await log.getByText('Message 9998').waitFor()
  expect(await log.locator('.markdown').count()).toBeLessThan(120)
  // Up by steps as a wheel does, until an older page has come: what is read stays where it is.
  await log.hover()
  for (let step = 0; step < 60; step++) {
    await page.mouse.wheel(0, -1500)
    await page.waitForTimeout(16)
  }
  await expect.poll(async () => Number(/Message (\d+)/.exec(await log.locator('.markdown').first().innerText())?.[1])).toBeLessThan(9_500)
  const top = async () => {
    const seen = await log.evaluate((element) => {
      const middle = element.getBoundingClientRect().top + element.clientHeight / 2
      const found = [...element.querySelectorAll('.markdown')].find((one) => one.getBoundingClientRect().bottom > middle)
      return { text: found?.textContent?.trim().slice(0, 14), at: found?.getBoundingClientRect().top ?? 0 }
    })
    return seen
  }
  await page.waitForTimeout(500)
  const before = await top()
  await agent.says({ kind: 'chunk', messageId: 'new', role: 'agent', text: 'Brand new' })
  const fresh = page.getByRole('button', { name: 'New messages' })
  await fresh.waitFor()
  const after = await top()
  expect(after.text).toBe(before.text)
  expect(Math.abs(after.at - before.at)).toBeLessThan(3)
  await fresh.click()
  await log.getByText('Brand new').waitFor()
  await agent.says({ kind: 'chunk', messageId: 'new', role: 'agent', text: ', and it goes on' })
  await log.getByText('Brand new, and it goes on').waitFor()
  expect(await log.locator('.markdown').count()).toBeLessThan(120)
  expect(errors).toEqual([])
  await page.close()
})

/** Pushes files to the task's working branch, as its agent does. */
function push(files: Record<string, string>): void {
  const clone = mkdtempSync(join(tmpdir(), 'helix-changes-'))
  const as = ['-C', clone, '-c', 'user.name=A', '-c', 'user.email=a@example.com']
  const git = (...args: string[]) => execFileSync('git', [...as, ...args], { stdio: 'pipe' })
  git('clone', `${installation.url.replace('://', `://helix:${installation.key}@`)}${repository.clonePath}`, '.')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(clone, name)), { recursive: true })
    writeFileSync(join(clone, name), text)
  }
  git('add', '.')
  git('commit', '-m', 'work')
  git('push', 'origin', `HEAD:${task.branch}`)
  rmSync(clone, { recursive: true, force: true })
}

test('the files of the working branch are read beside the conversation, down to a line, also when the agent pushes more', async () => {
  const { page, errors } = await openPage(person)
  await open(page, 'files')
  await page.getByText('Nothing is pushed to the working branch yet: this is main.').waitFor()
  push({ 'deep/er/greet.ts': 'export const greet = (name: string) => name\n'.repeat(60), 'picture.bin': 'a\0b' })
  await page.getByRole('link', { name: 'deep' }).click()
  await page.getByRole('link', { name: 'Folder er' }).click()
  await page.getByRole('link', { name: 'greet.ts' }).click()
  await page.getByText(task.branch).waitFor()
  const line = page.getByRole('link', { name: '42', exact: true })
  await line.click()
  await page.reload()
  await page.locator('a[aria-current="location"]', { hasText: '42' }).waitFor()
  await expect.poll(() => line.evaluate((one) => one.getBoundingClientRect().bottom < innerHeight)).toBe(true)
  await page.locator('pre .hljs-keyword').first().waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('link', { name: 'Root' }).click()
  await page.getByRole('link', { name: 'picture.bin' }).click()
  await page.getByText('This file is binary or larger than 1 MiB.', { exact: false }).waitFor()
  await page.keyboard.press('t')
  await page.waitForURL(/tab=timeline/)
  await page.keyboard.press('f')
  await page.getByRole('link', { name: 'deep' }).waitFor()
  if (process.env.HELIX_PICTURES) await page.screenshot({ path: `${process.env.HELIX_PICTURES}/files.png` })
  await page.setViewportSize({ width: 390, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  expect(errors).toEqual([])
  await page.close()
})

test('a line of the changes is commented by keyboard, and the comment is kept with its place', async () => {
  push({ 'greet.ts': 'export const greet = (name: string) => name\n', 'large.txt': 'line\n'.repeat(1240) })
  const { page, errors } = await openPage(person)
  await open(page, 'changes')
  const region = page.getByRole('region', { name: 'Changes of greet.ts' })
  await region.waitFor()
  await page.getByRole('button', { name: '1,240 lines: show' }).waitFor()
  await region.focus()
  await region.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByLabel('Your comment').fill('Who says hello?')
  await page.keyboard.press('Control+Enter')
  await region.getByText('Who says hello?').waitFor()
  await page.getByText('1 comment goes to the agent').waitFor()
  const { items } = await installation.call(listCodeComments, { params: { taskId: task.id } })
  expect(items).toMatchObject([{ path: 'greet.ts', side: 'after', line: 1, place: 'current', body: 'Who says hello?' }])
  await page.getByRole('button', { name: 'Split' }).click()
  await region.getByText('Who says hello?').waitFor()
  await page.getByRole('checkbox', { name: 'large.txt is viewed' }).check()
  await page.reload()
  await expect.poll(() => page.getByRole('checkbox', { name: 'large.txt is viewed' }).isChecked()).toBe(true)
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})
