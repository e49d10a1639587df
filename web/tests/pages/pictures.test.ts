import { createClient } from '@helix/contract/client'
import type { WatchPictures } from '@helix/contract/desktop-pictures'
import { openSession } from '@helix/contract/internal'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createSession } from '@helix/contract/session-life'
import type { Session } from '@helix/contract/sessions'
import { encodeStill } from '@helix/contract/stream-down-encode'
import { createTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { moveTo } from './agent-link.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let host: FleetHost
const asked: WatchPictures[] = []
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 })

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  person = await openPerson(installation, browser)
  host = await FleetHost.open(installation, 'mars', { pictures: true })
  host.heard((frame) => frame.type === 'watchPictures' && asked.push(frame))
})
afterAll(async () => {
  await host?.close()
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

const watched = () => (asked.at(-1)?.items ?? []).map(({ sessionId }) => sessionId).toSorted()
const numberOf = (session: Pick<Session, 'id'>) => asked.at(-1)?.items.find(({ sessionId }) => sessionId === session.id)?.n ?? 0

async function startSession(title: string): Promise<Session> {
  const session = await installation.call(createSession, { params: { projectId: project.id }, body: { title } })
  await host.takes(session.id)
  return session
}

/** A real JPEG of one colour, made by the browser. */
async function draw(page: Page, session: Pick<Session, 'id'>, colour: string): Promise<void> {
  const data = await page.evaluate((fill) => {
    const canvas = document.createElement('canvas')
    canvas.width = 320
    canvas.height = 180
    const context = canvas.getContext('2d')
    if (context === null) return ''
    context.fillStyle = fill
    context.fillRect(0, 0, 320, 180)
    return canvas.toDataURL('image/jpeg').split(',')[1] ?? ''
  }, colour)
  const jpeg = Buffer.from(data, 'base64')
  host.sendBytes(encodeStill({ width: 320, height: 180, sequence: 1, capturedUs: 1, requestId: numberOf(session), jpeg }))
}

/** Whether the tab is seen; a browser without a screen tells no page that it is hidden. */
const show = (page: Page, state: 'visible' | 'hidden') =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)

test('tiles show small pictures of their desktops while they are seen, say quietly where none runs, and ask for none in a hidden tab', async () => {
  const one = await startSession('Try the parser')
  const other = await startSession('Draw the plot')
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes`)
  await soon(watched).toEqual([one.id, other.id].toSorted())
  await draw(page, one, '#a00')
  const picture = page.getByRole('img', { name: 'The desktop of Try the parser' })
  await picture.waitFor()
  expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBe(320)
  host.send({ type: 'pictureState', n: numberOf(other), state: 'off' })
  await page
    .getByRole('link', { name: /Draw the plot/ })
    .getByText('Desktop not running')
    .waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await show(page, 'hidden')
  await soon(watched).toEqual([])
  await show(page, 'visible')
  await soon(watched).toEqual([one.id, other.id].toSorted())
  await page.goto(`${installation.url}/projects`)
  await soon(watched).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('a card shows the desktop of its task, while its session has a machine', async () => {
  const task = await installation.call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a greeting' } })
  await moveTo(installation, task.id, 1, 'backlog', 'queued_planning')
  const worker = createClient({ baseUrl: installation.url, token: installation.token })
  const { sessionId: id } = await worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  await host.takes(id)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/projects/${project.id}`)
  await soon(watched).toEqual([id])
  await draw(page, { id }, '#0a0')
  await page.locator(`[data-task="${task.id}"]`).getByRole('img', { name: 'The desktop of Add a greeting' }).waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('what a tile shows is gone when its host is, and comes back with it', async () => {
  const { page } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes/${host.id}`)
  await soon(() => watched().length).toBe(3)
  await host.close()
  await page.locator('[data-picture="none"]').first().waitFor()
  await page.close()
})
