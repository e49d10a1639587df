import type { Browser, BrowserContext } from 'playwright-core'
import { openPage } from './browser.ts'
import type { Installation } from './installation.ts'

/** The administrator, signed in. */
export async function openPerson({ link }: Installation, browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page } = await openPage(context)
  await page.goto(await link())
  await page.waitForURL(/\/projects$/)
  await page.close()
  return context
}
