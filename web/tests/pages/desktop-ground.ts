import type { Browser, BrowserContext } from 'playwright-core'
import { openBrowser } from './browser.ts'
import { type DesktopSession, openDesktopSession } from './desktop-session.ts'
import { openPerson } from './person.ts'

export interface DesktopGround extends DesktopSession {
  browser: Browser
  /** Signed in as the administrator. */
  person: BrowserContext
}

/** A session with a desktop, and who looks at it in Chromium. */
export async function openDesktopGround(): Promise<DesktopGround> {
  const [session, browser] = await Promise.all([openDesktopSession(), openBrowser()])
  const person = await openPerson(session.installation, browser)
  const dispose = async (): Promise<void> => {
    await browser.close()
    await session[Symbol.asyncDispose]()
  }
  return { ...session, browser, person, [Symbol.asyncDispose]: dispose }
}
