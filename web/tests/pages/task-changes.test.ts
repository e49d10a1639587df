import { listCodeComments } from '@helix/contract/code-comments'
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

test('a push while a line is commented does not move the comment to another line', async () => {
  tasks.push(task, { 'greet.ts': 'first\nsecond\n' })
  const { page, errors } = await openPage(person)
  await open(page, 'changes')
  const region = page.getByRole('region', { name: 'Changes of greet.ts' })
  await region.getByRole('button', { name: 'Comment on line 2' }).click()
  const box = page.getByLabel('Your comment')
  await box.fill('Why second?')
  tasks.push(task, { 'greet.ts': 'first\nanother\nsecond\n' })
  await region.getByText('another').waitFor()
  expect(await box.inputValue()).toBe('Why second?')
  await page.getByRole('button', { name: 'Comment', exact: true }).click()
  await region.getByText('Why second?').waitFor()
  const { items } = await installation.call(listCodeComments, { params: { taskId: task.id } })
  expect(items).toMatchObject([{ line: 2, quote: 'second', place: 'moved', currentLine: 3 }])
  expect(errors).toEqual([])
  await page.close()
})

test('a line of the changes is commented by keyboard, and the comment is kept with its place', async () => {
  tasks.push(task, { 'greet.ts': 'export const greet = (name: string) => name\n', 'large.txt': 'line\n'.repeat(1240) })
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
