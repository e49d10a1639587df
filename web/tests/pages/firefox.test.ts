import { existsSync } from 'node:fs'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Colour, colourOf } from './desktop-clip.ts'
import { DesktopHost } from './desktop-host.ts'
import { pixel } from './desktop-page.ts'
import { type DesktopSession, openDesktopSession } from './desktop-session.ts'

const executablePath = process.env.HELIX_FIREFOX ?? '/usr/bin/firefox-esr'
// It cannot be installed everywhere.
const inFirefox = test.skipIf(!existsSync(executablePath))

let session: DesktopSession
let host: DesktopHost
let browser: Browser | null = null

beforeAll(async () => {
  session = await openDesktopSession()
  host = await DesktopHost.open()
  session.fleet.report({ stream: { port: host.port, url: `http://localhost:${host.port}` } })
})
afterEach(async () => {
  await browser?.close()
  browser = null
})
afterAll(async () => {
  await host?.close()
  await session?.[Symbol.asyncDispose]()
})

/** The desktop in Debian's Firefox, of who just signed in. */
async function open(preferences: Record<string, unknown> = {}): Promise<Page> {
  browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true, extraPrefsFirefox: preferences })
  const page = await browser.newPage()
  page.setDefaultTimeout(60_000)
  await page.setViewport({ width: 1440, height: 900 })
  await page.goto(await session.installation.link())
  await page.waitForFunction(() => location.pathname === '/projects')
  await page.goto(`${session.installation.url}/sessions/${session.sessionId}?tab=desktop`)
  return page
}

const colourIn = async (page: Page): Promise<Colour | null> => colourOf(((await page.evaluate(pixel)) as number[] | null) ?? [])
const sees = (page: Page, colour: Colour) => expect.poll(() => colourIn(page), { timeout: 30_000 }).toBe(colour)

async function takeControl(page: Page): Promise<void> {
  await page.locator('[data-picture]').click()
  await page.waitForFunction(() => document.querySelector('[data-control]')?.textContent?.includes('You drive'))
  await page.waitForSelector('[data-picture] textarea:focus')
}

inFirefox('Firefox shows the desktop, drives it, and comes back when its line is lost', async () => {
  const page = await open()
  await expect.poll(() => host.seats.length, { timeout: 30_000 }).toBe(1)
  await expect.poll(() => host.seat.said('hello').length).toBe(1)
  const webcodecs = JSON.stringify(host.seat.said('hello')).includes('"webcodecs":true')
  // As far as its WebCodecs goes: the stand-in sends a red clip, and stills of blue.
  await sees(page, webcodecs ? 'red' : 'blue')
  await takeControl(page)
  await page.keyboard.type('aB')
  await page.keyboard.press('Enter')
  await expect.poll(() => host.seat.keys).toEqual(expect.arrayContaining(['+61', '-61', '+42', '-42', '+ff0d', '-ff0d']))
  host.seat.socket.terminate()
  await expect.poll(() => host.open.length, { timeout: 30_000 }).toBe(1)
  await sees(page, webcodecs ? 'red' : 'blue')
  expect(host.refused).toEqual([])
})

inFirefox('a Firefox without WebCodecs is shown still pictures, and drives all the same', async () => {
  const page = await open({ 'dom.media.webcodecs.enabled': false })
  await sees(page, 'blue')
  expect(host.seat.said('hello')).toMatchObject([{ capabilities: { webcodecs: false, stills: true } }])
  await takeControl(page)
  await page.keyboard.press('z')
  await expect.poll(() => host.seat.keys).toEqual(['+7a', '-7a'])
  expect(host.refused).toEqual([])
})
