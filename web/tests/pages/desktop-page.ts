import type { SessionId } from '@helix/contract/ids'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { openPage } from './browser.ts'
import { type Colour, colourOf } from './desktop-clip.ts'
import type { DesktopHost } from './desktop-host.ts'
import type { Installation } from './installation.ts'

type Ways = readonly { url: string; kind: 'direct' | 'relayed' }[]

let tickets = 0

/** Tickets as the control plane gives them, for ways of the test's own. */
export async function giveTickets(page: Page, ways: () => Ways): Promise<void> {
  await page.route('**/desktop-tickets', (route) => {
    const expiresAt = new Date(Date.now() + 30_000).toISOString()
    return route.fulfill({ json: { ticket: `ticket${++tickets}`, expiresAt, right: 'control', urls: ways() } })
  })
}

/** A refusal of the control plane. */
export async function refuseTickets(page: Page, status: number, code: string, message: string): Promise<void> {
  await page.route('**/desktop-tickets', (route) => route.fulfill({ status, json: { error: { code, message, requestId: 'req_test' } } }))
}

/** The tab of a session that `host` serves. */
export async function openDesktopPage(context: BrowserContext, { url }: Installation, sessionId: SessionId, host: DesktopHost) {
  const opened = await openPage(context)
  await giveTickets(opened.page, () => [{ url: host.url, kind: 'direct' }])
  await opened.page.goto(`${url}/sessions/${sessionId}?tab=desktop`)
  return opened
}

const pixel = `(() => {
  const canvas = document.querySelector('[data-desktop] canvas')
  if (canvas === null) return null
  const copy = document.createElement('canvas')
  copy.width = copy.height = 1
  const context = copy.getContext('2d')
  context.drawImage(canvas, 0, 0, 1, 1)
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
})()`

/** Reads the middle of the picture until it has that colour. */
export async function seesColour(page: Page, colour: Colour): Promise<void> {
  await expect.poll(async () => colourOf(((await page.evaluate(pixel)) as number[] | null) ?? []), { timeout: 15_000 }).toBe(colour)
}

/** Takes control by a click on the picture; the keyboard is the desktop's then. */
export async function takeControl(page: Page): Promise<void> {
  await page.locator('[data-picture]').click({ position: { x: 20, y: 20 } })
  await page.locator('[data-control]').getByText('You drive').waitFor()
  await page.locator('[data-picture] textarea:focus').waitFor({ state: 'attached' })
}
