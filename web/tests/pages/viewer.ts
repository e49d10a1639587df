import { randomUUID } from 'node:crypto'
import { invitePeople } from '@helix/contract/organisations'
import type { Browser, BrowserContext } from 'playwright-core'
import { openPage } from './browser.ts'
import type { Installation } from './installation.ts'

/** Somebody who was invited as a viewer, signed in. */
export async function openViewer({ call }: Installation, browser: Browser): Promise<BrowserContext> {
  const email = `${randomUUID().slice(0, 8)}@example.com`
  const { items } = await call(invitePeople, { body: { emails: [email], role: 'viewer' } })
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page } = await openPage(context)
  await page.goto(items[0]?.url ?? '')
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('Name').fill('Vera Viewer')
  await page.getByLabel('Password').fill('correct horse battery')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL(/\/projects$/)
  await page.close()
  return context
}
