import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { createLabel } from '@helix/contract/labels'
import { createProject, updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createComment, createSpecLink, getSpec } from '@helix/contract/reviews'
import type { JournalPayload } from '@helix/contract/sessions'
import { createTask, getTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentLink, moveTo } from './agent-link.ts'
import { openBrowser, openPage } from './browser.ts'
import { everyPlace, furnish, otherDialogs, type Place, type Shown, sizes, strangersPlaces, themes } from './every-page.ts'
import { type Installation, openInstallation } from './installation.ts'
import { pushSpec } from './spec-push.ts'

let installation: Installation
let browser: Browser
let shown: Shown
let agent: AgentLink

const checkpoint: JournalPayload = {
  kind: 'checkpoint',
  n: 1,
  cause: 'turn',
  promptId: null,
  repositories: [{ name: 'sample', branch: 'feature/x', commit: 'c'.repeat(40), head: 'a'.repeat(40) }],
  specs: null,
  agent: null,
  leftOut: ['sample: film.mov (2.0 GiB) is larger than 50 MiB'],
}

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call, url, key } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  const project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  const params = { projectId: project.id }
  const label = await call(createLabel, { params, body: { name: 'bug', colour: 'red' } })
  const body = { prompt: 'Add a greeting', start: false, labelIds: [label.id], priority: 'urgent' as const }
  const task = await call(createTask, { params, body })
  await call(createTask, {
    params,
    body: { prompt: `\u0645\u0631\u062d\u0628\u0627 ${'long '.repeat(38)}`, start: false, dependsOnIds: [task.id] },
  })
  const remote = `${url.replace('://', `://helix:${key}@`)}${repository.clonePath}`
  const tasks = '# Tasks\n\n- [x] one\n- [ ] two\n'
  pushSpec(remote, task.specFolder, { requirements: '# Requirements\n\nIt greets.\n', design: '# Design\n\nOne function.\n', tasks })
  const waiting = await call(createTask, { params, body: { ...body, prompt: 'Add a farewell' } })
  agent = await AgentLink.open(installation, waiting.id)
  await agent.says(checkpoint)
  pushSpec(remote, waiting.specFolder, { requirements: '# Requirements\n\nIt ends.\n', design: '# Design\n\nOne function.\n', tasks })
  await moveTo(installation, waiting.id, 1, 'backlog', 'spec_review')
  const ofTask = { params: { taskId: waiting.id } }
  const { revision } = await call(getSpec, ofTask)
  if (revision === null) throw new Error('no revision')
  const anchor = { document: 'requirements' as const, quote: 'It ends.', offset: 16 }
  await call(createComment, { ...ofTask, body: { revisionId: revision.id, anchor, body: 'When?' } })
  await call(updateProject, { params, body: { publicLinks: true } })
  const link = await call(createSpecLink, { ...ofTask, body: {} })
  const furniture = await furnish(call, project.id)
  const { sessionId: taskSessionId } = await call(getTask, ofTask)
  if (taskSessionId === null) throw new Error('the task has no session')
  const ids = { projectId: project.id, taskId: task.id, reviewId: waiting.id, repositoryId: repository.id, taskSessionId }
  shown = { ...ids, ...furniture, linkPath: new URL(link.url).pathname }
}, 240_000)
afterAll(async () => {
  agent?.close()
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** All that Lighthouse asks beyond those tags; its accessibility category has no audits but axe's. Source: its default-config.js. */
const ofLighthouse = ['identical-links-same-purpose', 'table-fake-caption', 'td-has-header']
/** `region` is left out, as Lighthouse does: menus and dialogs stand beside the landmarks by design. */
const rules = Object.fromEntries([...ofLighthouse.map((id) => [id, { enabled: true }]), ['region', { enabled: false }]])

async function faultsAt(page: Page, place: Place): Promise<string[]> {
  await page.goto(`${installation.url}${place.path}`)
  try {
    await place.open?.(page)
  } catch (error) {
    return [`${place.name}: does not open: ${String(error).split('\n')[0]}`]
  }
  const wide = (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) as boolean
  const found = wide ? [`${place.name}: scrolls sideways`] : []
  for (const theme of themes) {
    // As the menu of themes does.
    await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)
    const axe = new AxeBuilder({ page }).setLegacyMode().options({ runOnly: { type: 'tag', values: tags }, rules })
    // What lies under a dialog or a menu was looked at without it.
    if (place.open !== undefined) axe.include('[role="dialog"], [role="menu"]')
    const { violations } = await axe.analyze()
    found.push(...violations.map(({ id, nodes }) => `${place.name}, ${theme}: ${id} at ${nodes[0]?.html.slice(0, 160)}`))
  }
  return found
}

async function walk(context: BrowserContext, places: readonly Place[]): Promise<string[]> {
  const { page, errors } = await openPage(context)
  const faults: string[] = []
  for (const place of places) {
    faults.push(...(await faultsAt(page, place)))
    faults.push(...errors.splice(0).map((error) => `${place.name}: ${error}`))
  }
  await page.close()
  return faults
}

test.each(Object.entries(sizes))(
  'axe finds nothing on any page or main dialog, in both themes: %s',
  async (size, viewport) => {
    await using stranger = await browser.newContext({ viewport, reducedMotion: 'reduce' })
    const faults = await walk(stranger, strangersPlaces(shown))
    const { page } = await openPage(stranger)
    await page.goto(await installation.link())
    await page.waitForURL(/\/projects$/)
    await page.close()
    // What a dialog holds is the same on a phone.
    const others = size === 'desk' ? otherDialogs(shown) : []
    expect([...faults, ...(await walk(stranger, [...everyPlace(shown), ...others]))]).toEqual([])
  },
  600_000,
)

const sources = join(import.meta.dirname, '../../src')
const places = (): Place[] => [...strangersPlaces(shown), ...everyPlace(shown), ...otherDialogs(shown)]

test('every route with a page is walked', () => {
  const routes = globSync('**/+page.svelte', { cwd: join(sources, 'routes') }).map((file) => {
    const path = file
      .replace(/\/?\+page\.svelte$/, '')
      .replaceAll(/\([^/]*\)\/?/g, '')
      .replace(/\/$/, '')
    return new RegExp(`^/${path.replaceAll(/\[[^/]*\]/g, '[^/]+')}$`)
  })
  const paths = places().map(({ path }) => path.split('?')[0] ?? '')
  expect(routes.length).toBeGreaterThan(30)
  expect(routes.filter((route) => !paths.some((path) => route.test(path))).map(String)).toEqual([])
})

test('every component with a dialog or a popover is walked', () => {
  const root = join(sources, 'lib')
  const opens = /<(Dialog|ConfirmDialog|Popover)(\.Root)?[\s>]/
  const dialogs = globSync('**/*.svelte', { cwd: root, exclude: ['ui/**'] }).filter((file) =>
    opens.test(readFileSync(join(root, file), 'utf8')),
  )
  const walked = places().map(({ of }) => `${of}.svelte`)
  expect(dialogs.length).toBeGreaterThan(20)
  expect(dialogs.filter((file) => !walked.includes(file))).toEqual([])
})
