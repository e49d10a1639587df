import { listMail } from '@helix/contract/mail'
import { invitePeople } from '@helix/contract/organisations'
import { createProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addAuthenticator, codeOf } from './authenticator.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

const password = 'correct horse battery'
let installation: Installation
let browser: Browser

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

async function signIn(page: Page, email: string, secret = password): Promise<void> {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(secret)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}
async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(/\/sign-in/)
}
/** Opens the invitation as its mail does, and makes the account. */
async function join(page: Page, email: string): Promise<void> {
  const { items } = await installation.call(invitePeople, { body: { emails: [email] } })
  await page.goto(items[0]?.url ?? '')
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('Name').fill('Ada Lovelace')
  expect(await page.getByLabel('E-mail').inputValue()).toBe(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL(/\/projects$/)
}
/** The link in the newest mail to this address, out of the mail log. */
async function mailedLink(to: string, subject: RegExp): Promise<string> {
  const { items } = await installation.call(listMail, {})
  const text = items.find((mail) => mail.to === to && subject.test(mail.subject))?.text ?? ''
  return /https?:\S+/.exec(text)?.[0] ?? ''
}

test('the first administrator sets an address and a password, and comes back to where they wanted', async () => {
  await using context = await browser.newContext()
  const { page, errors } = await openPage(context)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/settings/profile`)
  await page.getByLabel('E-mail').fill('chief@example.com')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.goto(`${installation.url}/settings/password`)
  await page.getByText('You signed in by link and have no password yet').waitFor()
  await page.getByLabel('New password').fill(password)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByText('The password is set').waitFor()
  await signOut(page)
  await page.goto(`${installation.url}/settings/keys`)
  await signIn(page, 'chief@example.com', 'not the password')
  await page.getByRole('alert').waitFor()
  expect(await page.getByLabel('E-mail').inputValue()).toBe('chief@example.com')
  await signIn(page, 'chief@example.com')
  await page.waitForURL(/\/settings\/keys$/)
  expect(errors).toEqual([])
})

test('who was invited signs up, turns a second factor on, and needs it from then on', async () => {
  await using context = await browser.newContext()
  const { page, errors } = await openPage(context)
  await join(page, 'ada@example.com')
  await page.goto(`${installation.url}/settings/security`)
  await page.getByLabel('Current password').fill(password)
  await page.getByRole('button', { name: 'Set up an authenticator' }).click()
  await page.getByRole('img', { name: /Scan this/ }).waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  const secret = await page.locator('form code').innerText()
  const backup = await page.locator('form ul.font-mono li').first().innerText()
  const code = codeOf(secret)
  await page.getByLabel('Code it shows').fill(code)
  await page.getByRole('button', { name: 'Confirm' }).click()
  await page.getByText('A code of your authenticator is asked for at sign-in').waitFor()
  await signOut(page)
  await signIn(page, 'ada@example.com')
  await page.getByLabel('Code of your authenticator').fill(code)
  await page.getByRole('button', { name: 'Sign in' }).click()
  // The code that turned it on was used by that.
  await page.getByText('or it was used already').waitFor()
  await page.reload()
  await signIn(page, 'ada@example.com')
  await page.getByRole('button', { name: 'Use a backup code' }).click()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByLabel('Backup code').fill(backup)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/settings/security`)
  await page.getByLabel('Current password').fill(password)
  await page.getByRole('button', { name: 'Turn off' }).click()
  await page.getByRole('button', { name: 'Set up an authenticator' }).waitFor()
  expect(errors).toEqual([])
})

test('a passkey signs in without a name or a password, only for its owner’s finger, and not once it is removed', async () => {
  await using context = await browser.newContext()
  const { page, errors } = await openPage(context)
  await join(page, 'grace@example.com')
  const setVerified = await addAuthenticator(page)
  await page.goto(`${installation.url}/settings/security`)
  await page.getByLabel('Name of the passkey').fill('Laptop')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('button', { name: 'Remove Laptop' }).waitFor()
  await signOut(page)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.waitForURL(/\/projects$/)
  await signOut(page)
  await setVerified(false)
  // Who holds the device asks their own browser not to look at the finger: the server has to.
  await page.route('**/generate-authenticate-options', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...((await response.json()) as object), userVerification: 'discouraged' } })
  })
  const refused = page.waitForResponse(/verify-authentication/)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  expect((await refused).status()).toBe(401)
  await page.getByRole('alert').waitFor()
  await page.unroute('**/generate-authenticate-options')
  await setVerified(true)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/settings/security`)
  await page.getByRole('button', { name: 'Remove Laptop' }).click()
  await page.getByText('No passkeys.').waitFor()
  await signOut(page)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('alert').waitFor()
  expect(errors).toEqual([])
})

test('a forgotten password is set anew by the mail, which ends the session in the other browser', async () => {
  await using first = await browser.newContext()
  await using second = await browser.newContext()
  const [{ page, errors }, other] = [await openPage(first), await openPage(second)]
  await join(page, 'lost@example.com')
  await other.page.goto(`${installation.url}/sign-in`)
  await other.page.getByRole('link', { name: 'Forgot the password?' }).click()
  await other.page.waitForURL(/\/reset$/)
  await other.page.getByLabel('E-mail').fill('lost@example.com')
  await other.page.getByRole('button', { name: 'Send the mail' }).click()
  await other.page.getByText('If lost@example.com has an account').waitFor()
  const link = await mailedLink('lost@example.com', /new password/)
  await other.page.goto(`${installation.url}${link.slice(new URL(link).origin.length)}`)
  await other.page.getByLabel('New password').fill('another long password')
  await other.page.getByRole('button', { name: 'Set password' }).click()
  await other.page.getByText('Every session has ended').waitFor()
  await other.page.getByRole('link', { name: 'Go to sign-in' }).click()
  await signIn(other.page, 'lost@example.com', 'another long password')
  await other.page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/settings/security`)
  await page.waitForURL(/\/sign-in/)
  await other.page.goto(`${installation.url}/settings/security`)
  expect(await other.page.getByRole('region', { name: 'Browser sessions' }).getByRole('listitem').count()).toBe(1)
  expect([...errors, ...other.errors]).toEqual([])
})

test('a session that ends in the middle of a form keeps what was typed, and sign-in leads back to it', async () => {
  const repository = await installation.call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  const project = await installation.call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  await using context = await browser.newContext()
  const { page, errors } = await openPage(context)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.goto(`${installation.url}/projects/${project.id}/new`)
  await page.getByLabel('What do you want?').fill('Words that took a long time')
  await context.clearCookies()
  await page.getByRole('button', { name: /Create/ }).click()
  await page.waitForURL(/\/sign-in/)
  await signIn(page, 'chief@example.com')
  await page.waitForURL(new RegExp(`/projects/${project.id}/new`))
  // The server's page has no draft: the browser puts it in.
  await expect.poll(() => page.getByLabel('What do you want?').inputValue()).toBe('Words that took a long time')
  expect(errors).toEqual([])
})
