import { createClient } from '@helix/contract/client'
import type { SessionId, TaskId } from '@helix/contract/ids'
import { openSession } from '@helix/contract/internal'
import { createProject, type Project, updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask, getTask } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Colour, colourOf } from './desktop-clip.ts'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'
import { colouredSegment, record } from './recorded-clip.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let host: FleetHost
let taskId: TaskId
let sessionId: SessionId
beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  host = await FleetHost.open(installation, 'mars', { capacity: 20 })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await host?.close()
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  const { call, url, token } = installation
  host.report({ capacity: 20 })
  taskId = (await call(createTask, { params: { projectId: project.id }, body: { prompt: 'Add a thing', start: false } })).id
  const worker = createClient({ baseUrl: url, token })
  sessionId = (await worker(openSession, { params: { taskId }, body: { key: taskId } })).sessionId
  await host.takes(sessionId)
})

/** What the video shows now. */
const colour = async (page: Page): Promise<Colour | null> => {
  const pixel = await page.getByLabel('The recorded desktop').evaluate((video: HTMLVideoElement) => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 1
    const context = canvas.getContext('2d')
    context?.drawImage(video, 0, 0, 1, 1)
    return [...(context?.getImageData(0, 0, 1, 1).data ?? [])]
  })
  return colourOf(pixel)
}
const shows = (page: Page, wanted: Colour) => expect.poll(() => colour(page), { timeout: 20_000 }).toBe(wanted)
const clock = (page: Page) => page.getByText(/^\d+:\d\d \/ \d+:\d\d$/)

/** Two segments of half seconds, the second much later; in the first blue stands still for long. */
async function recordTwo(startMs: number): Promise<void> {
  await record(installation, host.id, sessionId, startMs, colouredSegment([500, 500, 9000, 500, 500, 500, 500, 500]))
  await record(installation, host.id, sessionId, startMs + 60_000, colouredSegment([]))
}

test('a recording is watched: its pictures are those of the desktop, chapters lead to their moments, and stills are skipped', async () => {
  const startMs = Date.now() - 1500
  host.says(sessionId, { kind: 'prompt', promptId: 'p', origin: 'person', author: 'Ada', text: 'Make it yellow' })
  host.says(sessionId, { kind: 'tool', toolCallId: 't', title: 'click the button', status: 'completed' })
  await recordTwo(startMs)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${taskId}?tab=recording`)
  await shows(page, 'red')
  await expect.poll(() => clock(page).textContent()).toBe('0:00 / 0:08')
  const slider = page.getByRole('slider', { name: 'Position' })
  await slider.fill('1600')
  await shows(page, 'blue')
  await slider.fill('2700')
  await shows(page, 'magenta')
  // The second segment, without what lay between.
  await slider.fill('4700')
  await shows(page, 'red')
  await page.getByRole('checkbox', { name: 'Skip still parts' }).uncheck()
  await expect.poll(() => clock(page).textContent()).toBe('1:00 / 1:04')
  await shows(page, 'red')
  await page.getByRole('button', { name: /click the button/ }).click()
  await shows(page, 'blue')
  await expect.poll(() => page.getByRole('button', { name: /click the button/ }).getAttribute('aria-current')).toBe('true')
  await page.getByRole('checkbox', { name: 'Skip still parts' }).check()
  await shows(page, 'blue')
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('it plays by the keyboard and faster than it was, to its end', async () => {
  await recordTwo(Date.now() - 5000)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sessions/${sessionId}?tab=recording`)
  await shows(page, 'red')
  await page.getByLabel('Speed').selectOption({ label: '8×' })
  await page.locator('body').press('Escape')
  await page.getByRole('region', { name: 'Player' }).focus()
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => clock(page).textContent()).toBe('0:05 / 0:08')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press(' ')
  await page.getByRole('button', { name: 'Pause' }).waitFor()
  await shows(page, 'black')
  await page.getByRole('button', { name: 'Play' }).waitFor()
  expect(await page.getByLabel('The recorded desktop').evaluate((video: HTMLVideoElement) => video.ended)).toBe(true)
  expect(errors).toEqual([])
  await page.close()
})

test('an entry of the conversation leads to its moment on the recording', async () => {
  const startMs = Date.now() - 1200
  host.says(sessionId, { kind: 'tool', toolCallId: 't', title: 'click the button', status: 'completed' })
  await recordTwo(startMs)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${taskId}?tab=timeline`)
  const link = page.getByRole('link', { name: 'Show on the recording: click the button' })
  await link.focus()
  await link.press('Enter')
  await page.waitForURL(/tab=recording&at=\d+/)
  await shows(page, 'blue')
  expect(errors).toEqual([])
  await page.close()
})

test('parts that arrive while it is open are offered and change nothing until they are wanted', async () => {
  const startMs = Date.now()
  await record(installation, host.id, sessionId, startMs, colouredSegment([]))
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${taskId}?tab=recording`)
  await shows(page, 'red')
  await page.getByRole('slider', { name: 'Position' }).fill('1600')
  await shows(page, 'yellow')
  await record(installation, host.id, sessionId, startMs + 30_000, colouredSegment([]))
  const offer = page.getByRole('button', { name: 'Show the new part' })
  await offer.waitFor()
  expect(await clock(page).textContent()).toBe('0:01 / 0:04')
  await offer.click()
  await expect.poll(() => clock(page).textContent()).toBe('0:01 / 0:08')
  await shows(page, 'yellow')
  expect(errors).toEqual([])
  await page.close()
})

test('a piece is put on the task as evidence with what it shows, and is a film of its own', async () => {
  await recordTwo(Date.now() - 5000)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/tasks/${taskId}?tab=recording`)
  await shows(page, 'red')
  await page.getByRole('slider', { name: 'Position' }).fill('1600')
  await shows(page, 'blue')
  await page.getByRole('button', { name: 'Clip' }).click()
  const form = page.getByRole('form', { name: 'Clip as evidence' })
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('slider', { name: 'Position' }).fill('3000')
  await form.getByRole('button', { name: 'Ends here' }).click()
  await form.getByLabel('What does it show?').fill('It turns blue')
  await form.getByRole('button', { name: 'Add to the task' }).click()
  await form.getByText(/It turns blue\.mp4 is on the task, and begins .* s earlier\./).waitFor()
  const { attachments } = await installation.call(getTask, { params: { taskId } })
  expect(attachments).toMatchObject([{ type: 'video/mp4', caption: 'It turns blue' }])
  await page.getByRole('button', { name: 'Attachments: 1' }).click()
  await page.getByRole('link', { name: 'It turns blue', exact: true }).waitFor()
  const shown = await page.evaluate(async (url) => {
    const video = document.createElement('video')
    video.src = url
    await new Promise((resolve, reject) => {
      video.onloadeddata = resolve
      video.onerror = () => reject(new Error(video.error?.message))
    })
    return { width: video.videoWidth, seconds: video.duration }
  }, attachments[0]?.url ?? '')
  expect(shown).toEqual({ width: 320, seconds: 4.5 })
  expect(errors).toEqual([])
  await page.close()
})

test('where there is nothing to watch the page says why, and where that is changed', async () => {
  const { page, errors } = await openPage(person)
  const open = () => page.goto(`${installation.url}/tasks/${taskId}?tab=recording`)
  await open()
  await page.getByText('Nothing was recorded yet').waitFor()
  await page.goto(`${installation.url}/projects/${project.id}/settings/recording`)
  await page.getByLabel('Desktops are recorded').uncheck()
  await page.getByLabel('Days that recordings are kept').fill('3')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved').waitFor()
  await open()
  await page.getByText('Desktops of this project are not recorded').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('link', { name: 'Project settings' }).click()
  await page.waitForURL(/settings\/recording$/)
  expect(errors).toEqual([])
  await page.close()
  await installation.call(updateProject, { params: { projectId: project.id }, body: { recording: { enabled: true, keepDays: 14 } } })
})
