import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

test('with Temporal down the page of the installation says so, since when and what to do, and shows the rest', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/projects`)
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Installation' }).click()
  await page.waitForURL(/\/admin$/)
  const part = (key: string, state: string) => page.locator(`[data-part="${key}"][data-state="${state}"]`)
  await part('temporal', 'down').getByText('Start Temporal at TEMPORAL_ADDRESS').waitFor()
  await part('temporal', 'down').getByText('Last error').waitFor()
  await part('temporal', 'down').getByText('since').waitFor()
  await part('workers', 'down').waitFor()
  await part('database', 'ok')
    .getByText(/PostgreSQL \d+/)
    .waitFor()
  await part('storage', 'ok').getByText('free for git repositories').waitFor()
  await part('inference', 'warn').getByText('demo script').waitFor()
  await page.getByText(/^Not well: .*Temporal/).waitFor()
  await page.getByText('What is repeated is not known').waitFor()
  await page.getByText('Apache-2.0. No licence key is needed.').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('link', { name: 'who is invited' }).click()
  await page.waitForURL(/\/settings\/sign-in$/)
  await page.goBack()
  await page.getByRole('button', { name: 'Look now' }).click()
  await part('temporal', 'down').waitFor()
  expect(errors).toEqual([])
  await page.close()
})

test('the page of the installation is reached from a phone by the settings, and not there for the owner of another organisation', async () => {
  await using phone = await browser.newContext({ viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' })
  const { page, errors } = await openPage(phone)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/settings/system`)
  await page.getByRole('link', { name: 'Health', exact: true }).click()
  await page.waitForURL(/\/admin$/)
  await page.locator('[data-part="database"]').waitFor()
  const made = await page.evaluate(async () => {
    const body = JSON.stringify({ name: 'Elsewhere' })
    const response = await fetch('/api/v1/organisations', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return response.ok
  })
  expect(made).toBe(true)
  // Whoever makes an organisation works in it from then on.
  await page.goto(`${installation.url}/admin`)
  await page.getByText('There is nothing here').waitFor()
  await page.goto(installation.url)
  await page.waitForURL(/\/welcome$/)
  expect(await page.getByRole('link', { name: 'Installation' }).count()).toBe(0)
  expect(errors).toEqual([])
})
