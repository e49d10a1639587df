import AxeBuilder from '@axe-core/playwright'
import { createLabel } from '@helix/contract/labels'
import { createProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openPage } from './browser.ts'
import { everyPlace, type Place, type Shown, sizes, strangersPlaces, themes } from './every-page.ts'
import { type Installation, openInstallation } from './installation.ts'
import { pushSpec } from './spec-push.ts'

let installation: Installation
let browser: Browser
let shown: Shown

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
  shown = { projectId: project.id, taskId: task.id, repositoryId: repository.id }
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

/** Lighthouse's audits are among these. `region` is left out: menus and dialogs stand beside the landmarks by design. */
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

async function faultsAt(page: Page, place: Place): Promise<string[]> {
  await page.goto(`${installation.url}${place.path}`)
  try {
    await place.open?.(page)
  } catch (error) {
    return [`${place.name}: does not open: ${String(error).split('\n')[0]}`]
  }
  const wide = (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) as boolean
  const axe = new AxeBuilder({ page }).withTags(rules).disableRules(['region'])
  // What lies under a dialog or a menu was looked at without it.
  if (place.open !== undefined) axe.include('[role="dialog"], [role="menu"]')
  const { violations } = await axe.analyze()
  const found = violations.map(({ id, nodes }) => `${place.name}: ${id} at ${nodes[0]?.html.slice(0, 160)}`)
  return wide ? [...found, `${place.name}: scrolls sideways`] : found
}

async function walk(context: BrowserContext, places: readonly Place[], theme: string): Promise<string[]> {
  await context.addCookies([{ name: 'helix-theme', value: theme, url: installation.url }])
  const { page, errors } = await openPage(context)
  const faults: string[] = []
  for (const place of places) {
    faults.push(...(await faultsAt(page, place)))
    faults.push(...errors.splice(0).map((error) => `${place.name}: ${error}`))
  }
  await page.close()
  return faults
}

test.each(themes)(
  'axe finds nothing on any page or main dialog in the %s theme, at the desk and on a phone',
  async (theme) => {
    for (const viewport of Object.values(sizes)) {
      await using stranger = await browser.newContext({ viewport, reducedMotion: 'reduce' })
      const faults = await walk(stranger, strangersPlaces, theme)
      const { page } = await openPage(stranger)
      await page.goto(await installation.link())
      await page.waitForURL(/\/projects$/)
      await page.close()
      expect([...faults, ...(await walk(stranger, everyPlace(shown), theme))]).toEqual([])
    }
  },
  300_000,
)
