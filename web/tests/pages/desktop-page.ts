import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { openPage } from './browser.ts'
import { type Colour, colourOf } from './desktop-clip.ts'
import type { DesktopGround } from './desktop-ground.ts'
import type { DesktopHost } from './desktop-host.ts'

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
export async function openDesktopPage(context: BrowserContext, { installation, sessionId }: DesktopGround, host: DesktopHost) {
  const opened = await openPage(context)
  await giveTickets(opened.page, () => [{ url: host.url, kind: 'direct' }])
  await opened.page.goto(`${installation.url}/sessions/${sessionId}?tab=desktop`)
  return opened
}

/** Runs in the page: red, green and blue of the picture; null: there is none. */
export const pixel = `(() => {
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
