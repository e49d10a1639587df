import { answerOption, declineOption, type FormField } from '@helix/contract/forms'
import type { JournalPayload } from '@helix/contract/sessions'
import type { Task } from '@helix/contract/tasks'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AgentLink, moveTo } from './agent-link.ts'
import { accessibilityFaults, openPage } from './browser.ts'
import type { Installation } from './installation.ts'
import { Tasks } from './open-tasks.ts'
import { openViewer } from './viewer.ts'

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

test('who may only look reads along, and is told what they would need to answer and to talk', async () => {
  await using viewer = await openViewer(installation, tasks.browser)
  tasks.push(task, { 'greet.ts': 'hello\n' })
  const { page, errors } = await openPage(viewer)
  const options = [{ id: 'yes', name: 'Allow once', kind: 'allow_once' as const }]
  await agent.says(prompt, { kind: 'permission', requestId: 'r1', promptId: null, title: 'rm -rf build', tool: 'execute', options })
  await open(page, 'changes')
  await page.getByText('To talk to the agent you need member on this project.', { exact: false }).waitFor()
  await page.getByText('To answer you need member on this project.').waitFor()
  await page.getByRole('region', { name: 'Changes of greet.ts' }).waitFor()
  for (const name of ['Allow once', 'Send', 'Comment on greet.ts', 'Suspend the agent'])
    expect([name, await page.getByRole('button', { name }).count()]).toEqual([name, 0])
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('while Temporal is down an action says so and keeps what was typed', async () => {
  await moveTo(installation, task.id, 3, 'implementing', 'implementation_review')
  const { page } = await openPage(person)
  await open(page)
  await page.getByRole('button', { name: 'Request changes' }).click()
  const note = page.getByRole('dialog').getByLabel('What should change?')
  await note.fill('Say hello twice')
  await page.getByRole('button', { name: 'Send to the agent' }).click()
  await page.getByRole('dialog').getByRole('alert').filter({ hasText: 'Temporal' }).waitFor({ timeout: 30_000 })
  expect(await note.inputValue()).toBe('Say hello twice')
  await page.reload()
  await page.getByRole('button', { name: 'Request changes' }).click()
  expect(await note.inputValue()).toBe('Say hello twice')
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
  const output = [{ kind: 'text' as const, text: 'all of it' }]
  await agent.says(prompt, ...chunks.slice(0, -1), {
    kind: 'tool',
    toolCallId: 't',
    title: 'npm test',
    status: 'completed',
    content: output,
  })
  await agent.says(...chunks.slice(-1))
  const { page, errors } = await openPage(person)
  await open(page)
  const log = page.getByRole('log')
  await log.getByText('Message 9998').waitFor()
  await log.getByText('npm test').click()
  await log.getByText('all of it').waitFor()
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
  // What was opened is open when its row comes back.
  await log.getByText('all of it').waitFor()
  await agent.says({ kind: 'chunk', messageId: 'new', role: 'agent', text: ', and it goes on' })
  await log.getByText('Brand new, and it goes on').waitFor()
  expect(await log.locator('.markdown').count()).toBeLessThan(120)
  expect(errors).toEqual([])
  await page.close()
})

test('the files of the working branch are read beside the conversation, down to a line, also when the agent pushes more', async () => {
  const { page, errors } = await openPage(person)
  await open(page, 'files')
  await page.getByText('Nothing is pushed to the working branch yet: this is main.').waitFor()
  tasks.push(task, { 'deep/er/greet.ts': 'export const greet = (name: string) => name\n'.repeat(60), 'picture.bin': 'a\0b' })
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
