import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let project: Project

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

/** A signed-in browser of its own. */
const signIn = (): Promise<BrowserContext> => openPerson(installation, browser)

async function openBoard(context: BrowserContext): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(context)
  await opened.page.goto(`${installation.url}/projects/${project.id}`)
  return opened
}

const add = (title: string) =>
  installation.call(createTask, { params: { projectId: project.id }, body: { prompt: title, title, start: false } })
const shows = (page: Page, title: string) => page.locator('[data-task]', { hasText: title }).waitFor()

/** Answers with the open pages that hold an event stream. */
function watchStreams(context: BrowserContext): () => Page[] {
  const holders = new Map<Request, Page>()
  context.on('request', (request) => {
    if (request.resourceType() === 'eventsource') holders.set(request, request.frame().page())
  })
  const ends = (request: Request): void => void holders.delete(request)
  context.on('requestfinished', ends)
  context.on('requestfailed', ends)
  return () => [...new Set(holders.values())].filter((page) => !page.isClosed())
}

test('seven tabs share one stream, all show a change, and when the one that holds it is closed another goes on', async () => {
  await using context = await signIn()
  const holders = watchStreams(context)
  const tabs = []
  // A browser has six connections to a server over HTTP/1.1: a seventh tab would wait for ever.
  for (let count = 0; count < 7; count++) tabs.push(await openBoard(context))
  await add('Seen by all')
  await Promise.all(tabs.map(({ page }) => shows(page, 'Seen by all')))
  expect(holders()).toHaveLength(1)
  const [leader] = holders()
  await leader?.close()
  await add('Seen by the rest')
  const rest = tabs.filter(({ page }) => page !== leader)
  await Promise.all(rest.map(({ page }) => shows(page, 'Seen by the rest')))
  expect([rest.length, holders().length]).toEqual([6, 1])
  expect(tabs.flatMap(({ errors }) => errors)).toEqual([])
})

test('where no stream gets through, changes still come', async () => {
  await using context = await signIn()
  await context.route(/\/api\/v1\/events(\?|$)/, (route) => route.fulfill({ status: 502, body: 'no streams here' }))
  const { page } = await openBoard(context)
  await page.waitForResponse(/\/api\/v1\/events\/page/)
  await add('Asked for')
  await shows(page, 'Asked for')
})

test('while Helix does not answer the page stays as it is, and reads what changed when it does again', async () => {
  await using context = await signIn()
  const { page, errors } = await openPage(context)
  await page.goto(`${installation.url}/projects`)
  await page.getByText('Sample').first().waitFor()
  const asked = Promise.withResolvers<void>()
  // The stream goes on: what it tells of cannot be read.
  await page.route(/\/(healthz|api\/v1\/projects)|__data\.json/, (route) => {
    asked.resolve()
    return route.abort()
  })
  const [repository] = project.repositories
  if (repository === undefined) throw new Error('the project has a repository')
  await installation.call(createProject, { body: { name: 'Made meanwhile', repositoryIds: [repository.id] } })
  await asked.promise
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await page.getByText('Sample').first().isVisible()).toBe(true)
  await page.unroute(/\/(healthz|api\/v1\/projects)|__data\.json/)
  await page.getByText('Made meanwhile').waitFor()
  expect(errors).toEqual([])
})

test.each(['entry/start', 'entry/app', 'nodes/'])('a page whose %s is cut off on its way is loaded once more', async (part) => {
  await using context = await signIn()
  const { page } = await openPage(context)
  let cut = 0
  await page.route(new RegExp(`/_app/immutable/${part}`), (route) => (cut++ === 0 ? route.abort() : route.continue()))
  await page.goto(`${installation.url}/projects/${project.id}`)
  await page.locator('header').getByRole('link', { name: 'New task' }).waitFor()
  expect(await page.getByRole('alert').count()).toBe(0)
  expect(cut).toBeGreaterThan(1)
})

test('a part that never arrives is said, with the way on', async () => {
  await using context = await signIn()
  const { page } = await openPage(context)
  await page.goto(`${installation.url}/projects`)
  // All but the frame and what tells of errors.
  const part = /_app\/immutable\/nodes\/(?![0-3]\.)/
  await page.route(part, (route) => route.abort())
  await page.locator(`a[href="/projects/${project.id}"]`).first().click()
  await page.getByText('A part of the page did not arrive').waitFor()
  await page.unroute(part)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('header').getByRole('link', { name: 'New task' }).waitFor()
})
