import { createClient } from '@helix/contract/client'
import { getMe } from '@helix/contract/identity'
import { recordTurn } from '@helix/contract/internal'
import { invitePeople } from '@helix/contract/organisations'
import { createProject, type Project, updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createComment, getSpec } from '@helix/contract/reviews'
import { createTask, type Task } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { AgentLink, moveTo } from './agent-link.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'
import { pushSpec } from './spec-push.ts'

const first = {
  requirements:
    '# Requirements\n\nThe program greets the person whose name it is given.\n\n- one line\n- nothing else\n\n## Afterwards\n\nIt ends.\n',
  design: '# Design\n\nOne function writes the greeting.\n',
  tasks: '# Tasks\n\n- [x] one\n- [ ] two\n',
}

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let task: Task
let remote: string
let agent: AgentLink

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call, url, key } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  await call(updateProject, { params: { projectId: project.id }, body: { publicLinks: true } })
  remote = `${url.replace('://', `://helix:${key}@`)}${repository.clonePath}`
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  const prompt = `Add a greeting ${Math.random()}`
  task = await installation.call(createTask, { params: { projectId: project.id }, body: { prompt, title: 'Add a greeting', start: false } })
  agent = await AgentLink.open(installation, task.id)
  push(first)
  await moveTo(installation, task.id, 1, 'backlog', 'spec_review')
  return () => agent.close()
})

/** As an agent pushes: the branch may be there already. */
function push(documents: Partial<typeof first>): void {
  pushSpec(remote, task.specFolder, { ...first, ...documents })
}
const open = async (page: Page, query = ''): Promise<void> => {
  await page.goto(`${installation.url}/tasks/${task.id}/spec${query}`)
  await page.getByRole('region', { name: 'Comments' }).waitFor()
  await page.waitForLoadState('networkidle').catch(() => undefined)
}
const spec = () => installation.call(getSpec, { params: { taskId: task.id } })
const at = (document: keyof typeof first, quote: string) => ({ document, quote, offset: first[document].indexOf(quote) })
const comment = async (body: object) => {
  const revisionId = (await spec()).revision?.id as never
  return installation.call(createComment, { params: { taskId: task.id }, body: { revisionId, body: 'Why?', ...body } })
}

test('a paragraph is commented by keyboard alone, and a half-written comment is there after a reload', async () => {
  const { page, errors } = await openPage(person)
  await open(page)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('c')
  await page.keyboard.type('Which person is')
  await page.reload()
  const form = page.getByRole('form', { name: 'New comment' })
  await form.waitFor()
  expect(await form.getByLabel('Your comment').inputValue()).toBe('Which person is')
  await form.getByLabel('Your comment').press('End')
  await page.keyboard.type(' it?')
  await page.keyboard.press('Control+Enter')
  await page.locator('mark').first().waitFor()
  const { comments } = await spec()
  expect(comments).toMatchObject([
    { body: 'Which person is it?', anchor: at('requirements', 'The program greets the person whose name it is given.') },
  ])
  await page.getByRole('status').getByText('1 open comment').waitFor()
  await page.keyboard.press('2')
  await page.getByText('One function writes').waitFor()
  await page.keyboard.press('1')
  await page.locator('mark').first().waitFor()
  await page.keyboard.press('n')
  await page.locator('[data-thread]:focus').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('the threads of all documents are walked by keys, one after the other and back', async () => {
  const [one, two] = [await comment({ anchor: at('requirements', 'the person') }), await comment({ anchor: at('design', 'One function') })]
  const { page, errors } = await openPage(person)
  await open(page)
  const focused = (id: string) => page.locator(`[data-thread="${id}"]:focus`).waitFor()
  await page.keyboard.press('n')
  await focused(one.id)
  await page.keyboard.press('n')
  await page.waitForURL(/document=design/)
  await focused(two.id)
  await page.keyboard.press('p')
  await page.waitForURL(/document=requirements/)
  await focused(one.id)
  expect(errors).toEqual([])
  await page.close()
})

test('who may only look reads the spec and its threads, and finds no button that is refused', async () => {
  await comment({ anchor: at('requirements', 'the person'), suggestion: 'everybody' })
  const { items } = await installation.call(invitePeople, { body: { emails: ['vera@example.com'], role: 'viewer' } })
  await using viewer = await browser.newContext()
  const { page, errors } = await openPage(viewer)
  await page.goto(items[0]?.url ?? '')
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('Name').fill('Vera Viewer')
  await page.getByLabel('Password').fill('correct horse battery')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL(/\/projects$/)
  await open(page)
  await page.getByText('To comment and decide you need reviewer on this project').waitFor()
  await page.locator('[data-thread]').getByText('Why?').waitFor()
  const refused = /^(Approve|Reject|Request changes|Comment|Reply|Apply|Ask the agent|Resolve|Public link)/
  expect(await page.getByRole('button', { name: refused }).count()).toBe(0)
  await page.keyboard.press('c')
  expect(await page.getByRole('form', { name: 'New comment' }).count()).toBe(0)
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
})

test('a design that changed after the approval is told as approved by nobody, with what to compare', async () => {
  const { revision } = await spec()
  const review = { verdict: 'approved' as const, commit: revision?.commit ?? '', note: '' }
  const { user } = await installation.call(getMe, {})
  const approval = { cause: 'approve_spec', expectSpecCommit: review.commit, review, actorId: user.id }
  await moveTo(installation, task.id, 2, 'spec_review', 'queued_implementation', approval)
  push({ design: '# Design\n\nThree functions write the greeting.\n' })
  const { page, errors } = await openPage(person)
  await open(page)
  await page.getByText('Revision 2 changed the design after the approval: nobody has approved what it says now.').waitFor()
  await page.goto(`${installation.url}/tasks/${task.id}?tab=spec`)
  await page.getByRole('link', { name: 'Compare with what was approved' }).click()
  await page.getByText('From revision 1 to revision 2').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('the agent is asked in a thread, answers in it while one looks on, and the answer stays', async () => {
  await comment({ anchor: at('requirements', 'the person'), body: 'Which person?' })
  const { page, errors } = await openPage(person)
  await open(page)
  const thread = page.locator('[data-thread]')
  await thread.getByRole('button', { name: 'Ask the agent' }).click()
  await thread.getByText('Waits for its turn').waitFor()
  const [question] = (await spec()).questions
  if (question === undefined) throw new Error('nothing was asked')
  const { promptId, sessionId } = question
  await agent.says(
    { kind: 'prompt', promptId, origin: 'person', author: 'Ada', text: 'x' },
    { kind: 'chunk', messageId: 'm1', role: 'agent', text: 'Whoever is ' },
  )
  await thread.getByText('Whoever is').waitFor()
  await thread.getByText('Answering').waitFor()
  await agent.says({ kind: 'chunk', messageId: 'm1', role: 'agent', text: 'named on the command line.' })
  await thread.getByText('Whoever is named on the command line.').waitFor()
  await agent.says({ kind: 'turn_end', promptId, outcome: 'end_turn', message: null })
  const worker = createClient({ baseUrl: installation.url, token: installation.token })
  await worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'ended', outcome: 'end_turn' } })
  await thread.locator('[data-answer]').waitFor({ state: 'detached' })
  expect(await thread.getByText('Whoever is named on the command line.').count()).toBe(1)
  expect((await spec()).comments.map(({ author, body }) => [author.kind, body])).toContainEqual([
    'agent',
    'Whoever is named on the command line.',
  ])
  await thread.getByRole('button', { name: 'Reply' }).click()
  await page.keyboard.type('Thank you')
  await page.keyboard.press('Control+Enter')
  await thread.getByText('Thank you').waitFor()
  await thread.getByRole('button', { name: 'Resolve' }).click()
  await page.getByText('1 resolved').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('a newer revision is announced and not swapped in; old threads say what became of their text; both are compared', async () => {
  await comment({ anchor: at('requirements', 'nothing else') })
  await comment({ anchor: at('requirements', 'The program greets the person whose name it is given.') })
  const { page, errors } = await openPage(person)
  await open(page)
  push({
    requirements:
      '# Requirements\n\nA word first.\n\nThe program greets everybody whose name it is given.\n\n- one line\n- nothing else\n\n## Afterwards\n\nIt ends.\n',
  })
  const alert = page.getByRole('alert').filter({ hasText: 'Revision 2 is newer' })
  await alert.waitFor()
  expect(await page.getByText('greets the person whose').first().isVisible()).toBe(true)
  expect(await page.getByRole('button', { name: /Approve/ }).count()).toBe(0)
  await alert.getByRole('link', { name: 'Compare with it' }).click()
  await page.getByText('From revision 1 to revision 2').waitFor()
  await page.locator('[data-change="changed"] del', { hasText: 'the person' }).waitFor()
  await page.locator('[data-change="changed"] ins', { hasText: 'everybody' }).waitFor()
  await page.getByRole('group', { name: 'Added' }).getByText('A word first.').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.keyboard.press('s')
  await page.waitForURL(/view=source/)
  await page.getByText('A word first.').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Approve revision 2' }).waitFor()
  const places = page.locator('[data-thread]')
  await expect
    .poll(async () => (await places.evaluateAll((all) => all.map((one) => one.getAttribute('data-place')))).sort())
    .toEqual(['changed', 'moved'])
  await page.getByText('The text has changed since revision 1').waitFor()
  await page.getByText('Moved since revision 1').waitFor()
  await page.locator('[data-place="changed"]').getByText('greets the person whose name').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('suggestions are written beside the text and applied together as one commit of the reader', async () => {
  await comment({ anchor: at('design', 'One function'), body: '', suggestion: 'Two functions' })
  const { page, errors } = await openPage(person)
  await open(page)
  await page.getByText('one line').click({ clickCount: 3 })
  await page.keyboard.press('c')
  await page.getByRole('button', { name: 'Suggest an edit' }).click()
  await page.getByLabel('Text to put in its place').fill('two lines')
  await page.getByRole('form', { name: 'New comment' }).getByRole('button', { name: 'Comment', exact: true }).click()
  await page.getByRole('button', { name: 'Apply 2 suggestions' }).click()
  await page.getByText('Committed as revision 2').waitFor()
  await page.getByRole('button', { name: 'Approve revision 2' }).waitFor()
  await page.getByText('two lines').first().waitFor()
  const { documents, comments } = await spec()
  expect([documents.requirements, documents.design]).toEqual([
    first.requirements.replace('one line', 'two lines'),
    first.design.replace('One function', 'Two functions'),
  ])
  expect(comments.every(({ appliedCommit, resolvedAt }) => appliedCommit !== null && resolvedAt !== null)).toBe(true)
  expect(errors).toEqual([])
  await page.close()
})

test('a public link is made, opened by a stranger without names or comments, and ended', async () => {
  await comment({ body: 'A remark for us alone' })
  const { page, errors } = await openPage(person)
  await open(page)
  await page.getByRole('button', { name: 'Public link' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('There is no public link').waitFor()
  await dialog.getByRole('button', { name: 'Make a link' }).click()
  const url = await dialog.locator('code').innerText()
  await using stranger = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const visit = await openPage(stranger)
  const response = await visit.page.goto(url)
  expect(response?.headers()['x-robots-tag']).toContain('noindex')
  await visit.page.getByText('Revision 1, the newest').waitFor()
  await visit.page.getByText('The program greets the person').waitFor()
  const html = await visit.page.content()
  expect(html).not.toMatch(/A remark|usr_|tsk_|Add a greeting/)
  expect(await accessibilityFaults(visit.page)).toEqual([])
  await dialog.getByRole('button', { name: 'End it' }).click()
  await dialog.getByText('There is no public link').waitFor()
  expect((await visit.page.goto(url))?.status()).toBe(404)
  expect([...errors, ...visit.errors]).toEqual([])
  await page.close()
})

test('what the project asks of an approval is said before the click', async () => {
  const { page, errors } = await openPage(person)
  await installation.call(updateProject, { params: { projectId: project.id }, body: { selfApproval: false, approvalsNeeded: 2 } })
  await open(page)
  await page.getByText('You created this task').waitFor()
  expect(await page.getByRole('button', { name: 'Approve revision 1' }).isDisabled()).toBe(true)
  await page.getByText('0 of 2 approvals').waitFor()
  await page.getByRole('button', { name: /^Reviewers/ }).click()
  await page.getByRole('dialog').getByRole('checkbox').first().check()
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect((await spec()).reviewers).toHaveLength(1)
  await page.getByRole('button', { name: 'Reject' }).click()
  await page.getByLabel('Why is it rejected?').fill('We buy it')
  expect(await accessibilityFaults(page)).toEqual([])
  await installation.call(updateProject, { params: { projectId: project.id }, body: { selfApproval: true, approvalsNeeded: 1 } })
  expect(errors).toEqual([])
  await page.close()
})

test('on a phone the text comes first, the threads below, nothing stands out at the side; no faults in either theme', async () => {
  await comment({ anchor: at('requirements', 'the person'), suggestion: 'everybody' })
  await using phone = await browser.newContext({ viewport: { width: 390, height: 844 } })
  await phone.addCookies(await person.cookies())
  const { page, errors } = await openPage(phone)
  for (const theme of ['light', 'dark']) {
    await phone.addCookies([{ name: 'helix-theme', value: theme, url: installation.url }])
    await open(page)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    expect(await accessibilityFaults(page)).toEqual([])
  }
  await page.locator('summary', { hasText: 'Outline' }).click()
  const heading = page.getByRole('navigation', { name: 'Outline' }).getByRole('link').last()
  const id = (await heading.getAttribute('href')) ?? ''
  await heading.click()
  await heading.waitFor({ state: 'hidden' })
  expect(await page.locator(id).evaluate((one) => one.getBoundingClientRect().top < innerHeight)).toBe(true)
  expect(errors).toEqual([])
})
