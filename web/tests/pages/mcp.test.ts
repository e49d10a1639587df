import { listMcpServers } from '@helix/contract/mcp-servers'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createProjectSecret } from '@helix/contract/secrets'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRealServer, type RealServer } from '../../server/mcp/proxy/testing.ts'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

const secret = 'a-credential-of-the-project'

let installation: Installation
let browser: Browser
let person: BrowserContext
let project: Project
let real: RealServer

beforeAll(async () => {
  ;[installation, browser, real] = await Promise.all([openInstallation(), openBrowser(), openRealServer()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'shop', source: { kind: 'sample' } } })
  project = await call(createProject, { body: { name: 'Shop', repositoryIds: [repository.id] } })
  const body = { name: 'ISSUES_TOKEN', value: secret, exposure: 'proxy' as const }
  await call(createProjectSecret, { params: { projectId: project.id }, body })
  person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await person.newPage()
  await page.goto(await installation.link())
  await page.waitForURL(/\/projects$/)
  await page.close()
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
  await real?.[Symbol.asyncDispose]()
})

test('a server is added with a secret, shows its tools, is changed, switched off and removed', async () => {
  const { page, errors } = await openPage(person)
  await page.goto(`${installation.url}/projects/${project.id}/settings/mcp-servers`)
  await page.getByText('No MCP servers').waitFor()
  await page.getByRole('button', { name: 'Add MCP server' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('desktop')
  await dialog.getByLabel('Address').fill(real.url)
  await dialog.getByRole('button', { name: 'Add header' }).click()
  await dialog.getByLabel('Denied tools').fill('delete_*')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('is a server of Helix itself: choose another name').waitFor()
  await dialog.getByLabel('Name').fill('issues')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('issues 1.2.3 answers: 5 of 6 tools allowed').waitFor()
  expect(real.heard[0]?.headers.authorization).toBe(`Bearer ${secret}`)
  expect(await page.getByRole('list', { name: 'Tools of issues' }).getByText('delete_issue').isVisible()).toBe(true)
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('button', { name: 'Calls of issues' }).click()
  await page.getByText('Nothing was called yet.').waitFor()
  await page.getByRole('button', { name: /^More actions/ }).click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await dialog.getByLabel('Only these').check()
  await dialog.getByLabel('Allowed tools').fill('read_*')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('issues 1.2.3 answers: 1 of 6 tools allowed').waitFor()
  await page.getByText('only read_*, without delete_*').waitFor()
  await page.getByRole('button', { name: /^More actions/ }).click()
  await page.getByRole('menuitem', { name: 'Switch off' }).click()
  await page.getByText('off', { exact: true }).waitFor()
  const { items } = await installation.call(listMcpServers, { params: { projectId: project.id } })
  expect(items).toMatchObject([{ name: 'issues', enabled: false, allowedTools: ['read_*'], deniedTools: ['delete_*'] }])
  await page.getByRole('button', { name: /^More actions/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await page.getByText('No MCP servers').waitFor()
  expect(await page.content()).not.toContain(secret)
  expect(errors).toEqual([])
  await page.close()
})
