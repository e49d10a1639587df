import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createSession } from '@helix/contract/session-life'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'

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
  person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const { page } = await openPage(person)
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
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
