import { cordonHost } from '@helix/contract/fleet'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createSession } from '@helix/contract/session-life'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
const hosts: FleetHost[] = []

const addHost = async (...input: [name: string, report?: Parameters<FleetHost['report']>[0], protocol?: number]): Promise<FleetHost> => {
  const host = await FleetHost.open(installation, ...input)
  hosts.push(host)
  return host
}
const startSession = async (title: string, host: FleetHost) => {
  const session = await installation.call(createSession, { params: { projectId: project.id }, body: { title } })
  await host.takes(session.id)
  return session
}

beforeAll(async () => {
  ;[installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  person = await openPerson(installation, browser)
})
afterAll(async () => {
  for (const host of hosts) await host.close()
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
})

test('without a host the page says what one is for', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/projects`)
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Sandboxes' }).click()
  await page.waitForURL(/\/sandboxes$/)
  await page.getByText('No sandbox host yet').waitFor()
  await page.getByText('Nothing waits for a place.').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('hosts, their sessions and the queue are shown and kept current by events', async () => {
  const strong = await addHost('mars')
  const disk = { name: 'disk' as const, state: 'failed' as const, text: '2 GB are free: remove images, or give it a larger disk' }
  await addHost('venus', { rung: 'plain', capacity: 0, filtered: false, problem: disk.text, checks: [disk] }, 1)
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes`)
  const mars = page.locator('[data-host="mars"]')
  await mars.getByText('gVisor · Docker inside · networks filtered · 0.1.0, protocol 2').waitFor()
  await mars.getByText('0 of 4', { exact: true }).waitFor()
  const venus = page.locator('[data-host="venus"]')
  await venus.getByText('Takes no sessions').waitFor()
  expect(await venus.getByText(disk.text).count()).toBe(1)
  await venus.getByText('It speaks protocol 1, the control plane 2').waitFor()
  const session = await startSession('Try the parser', strong)
  await mars.getByRole('link', { name: /Try the parser.*Ready/ }).waitFor()
  await mars.getByText('1 of 4', { exact: true }).waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await mars.getByRole('link', { name: /Try the parser/ }).click()
  await page.waitForURL(new RegExp(`/sessions/${session.id}`))
  await page.goBack()
  await mars.getByRole('link', { name: 'mars' }).click()
  await page.getByText('Docker 29.1 answers').waitFor()
  await page.getByText('Goose 1.9.0').waitFor()
  await page.getByText('helix-session:dev').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('who administers cordons, drains with a progress, labels, dedicates and weighs hosts', async () => {
  const host = await addHost('saturn')
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes`)
  const saturn = page.locator('[data-host="saturn"]')
  const choose = async (item: string) => {
    await saturn.getByRole('button', { name: 'Actions of saturn' }).click()
    await page.getByRole('menuitem', { name: new RegExp(`^${item}`) }).click()
  }
  await choose('Cordon')
  await saturn.getByText('Cordoned').waitFor()
  await choose('Uncordon')
  await saturn.getByText('Online').waitFor()
  await choose('Labels, group and weight')
  const edit = page.getByRole('dialog', { name: 'Labels, group and weight of saturn' })
  await edit.getByText('It tells: arch=x64.').waitFor()
  await edit.getByLabel('Labels').fill('GPU=a100')
  await edit.getByRole('button', { name: 'Save' }).click()
  await edit.getByText('GPU: use up to 63 of a-z, 0-9, dots, slashes and dashes').waitFor()
  await edit.getByLabel('Labels').fill('gpu=a100')
  await edit.getByLabel('Who may use it').selectOption({ label: 'Only Default' })
  await edit.getByLabel('Weight').fill('3')
  await edit.getByRole('button', { name: 'Save' }).click()
  await saturn.getByText('gpu=a100').waitFor()
  await saturn.getByText('Only Default').waitFor()
  await saturn.getByText('weight 3').waitFor()
  // The only host that takes anything now.
  for (const other of hosts.filter((one) => one !== host)) await installation.call(cordonHost, { params: { hostId: other.id } })
  await startSession('Draw the plot', host)
  await saturn.getByRole('link', { name: /Draw the plot/ }).waitFor()
  await choose('Drain')
  const drain = page.getByRole('dialog', { name: 'Drain saturn?' })
  await drain.getByText('The session that is there leaves after its turn').waitFor()
  await drain.getByRole('button', { name: 'Drain' }).click()
  await saturn.getByText('Sessions that are still there: 1 of 1').waitFor()
  await saturn.getByRole('button', { name: 'Actions of saturn' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).getByText('It is online').waitFor()
  await page.keyboard.press('Escape')
  await page.getByLabel('Weight of Default').fill('4')
  await page.getByLabel('Weight of Default').blur()
  await page.getByText('Default has weight 4.').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('a host’s credential is replaced, its machine shut out, and the host forgotten once it is gone', async () => {
  const host = await addHost('pluto')
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes/${host.id}`)
  await page.getByText('The runner token of all hosts').first().waitFor()
  await page.getByRole('button', { name: 'Let it enrol anew' }).click()
  await page.getByText('It may enrol anew, which ends').waitFor()
  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('dialog', { name: 'Shut pluto out?' }).getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('Shut out', { exact: true }).waitFor()
  await page.getByText('delete credential.json in its state folder').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('button', { name: 'Actions of pluto' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog', { name: 'Remove pluto?' }).getByRole('button', { name: 'Remove' }).click()
  await page.waitForURL(/\/sandboxes$/)
  await page.getByText('pluto is removed.').waitFor()
  expect(await page.locator('[data-host="pluto"]').count()).toBe(0)
  expect(errors).toEqual([])
  await page.close()
})

test('how a host is added is said without the token', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes`)
  await page.getByRole('button', { name: 'Add a host' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a host' })
  await dialog.getByText(`HELIX_CONTROL_PLANE_URL=${installation.url}`).waitFor()
  await dialog.getByText('These addresses lead to the machine itself').waitFor()
  expect(await page.content()).not.toContain(installation.token)
  expect(errors).toEqual([])
  await page.close()
})

test('the log of a host is followed, by level, and a host that is away says so', async () => {
  const host = await addHost('neptune')
  const said = [
    { n: 1, at: '2026-01-02T03:04:05.000Z', level: 'info' as const, text: 'ready' },
    { n: 2, at: '2026-01-02T03:04:06.000Z', level: 'error' as const, text: 'a layer is not kept' },
  ]
  host.heard((frame) => {
    if (frame.type !== 'logs') return
    const lines = said.filter(({ n, level }) => n > (frame.after ?? 0) && (frame.level !== 'error' || level === 'error'))
    host.send({ type: 'logs', requestId: frame.requestId, answer: { bootId: 'boot', lines, upTo: said.length } })
  })
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/sandboxes/${host.id}`)
  await page.getByRole('link', { name: 'Log', exact: true }).click()
  const log = page.getByRole('log', { name: 'Log' })
  await log.getByText('ready').waitFor()
  said.push({ n: 3, at: '2026-01-02T03:04:07.000Z', level: 'info', text: 'a session begins' })
  await log.getByText('a session begins').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByLabel('Least level').selectOption({ label: 'Errors' })
  await log.getByText('ready').waitFor({ state: 'detached' })
  await log.getByText('a layer is not kept').waitFor()
  await host.close()
  await page.getByText('neptune is not linked now: its log is on its own machine.').waitFor()
  expect(errors).toEqual([])
  await page.close()
})
