import { setTimeout as sleep } from 'node:timers/promises'
import { AxeBuilder } from '@axe-core/playwright'
import { createApiKey } from '@helix/contract/identity'
import { execCommand, fileContentPath, listFiles, listPorts, listTerminals } from '@helix/contract/machine-use'
import { createSession, resumeSession, stopSession, suspendSession } from '@helix/contract/session-life'
import { getSession, type Session, type SessionState } from '@helix/contract/sessions'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chromiumPath } from '../config.ts'
import { signInLink } from '../stack/administrator.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { openProject } from '../stack/story.ts'

let scratch: Scratch
let browser: Browser
let context: BrowserContext
let page: Page
let session: Session
let key: string
beforeAll(async () => {
  scratch = await openScratch(console.log)
  const project = await openProject(scratch.call, 'machine', null)
  key = (await scratch.call(createApiKey, { body: { name: 'machine' } })).secret
  session = await scratch.call(createSession, { params: { projectId: project.id }, body: { title: 'By hand' } })
  await untilState('idle')
  // As root Chromium's own sandbox cannot start.
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] })
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  page = await context.newPage()
  page.setDefaultTimeout(60_000)
  await page.goto(await signInLink(scratch.stack))
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
})
afterAll(async () => {
  await browser?.close()
  await scratch?.[Symbol.asyncDispose]()
})

async function untilState(state: SessionState): Promise<void> {
  for (;;) {
    const now = await scratch.call(getSession, { params: { sessionId: session.id } })
    if (now.state === state) return
    if (now.state === 'stopped') throw new Error(`the session stopped: ${now.reason}`)
    await sleep(200)
  }
}

const params = () => ({ sessionId: session.id })
const run = (command: string, body: object = {}) => scratch.call(execCommand, { params: params(), body: { command, ...body } })
const origin = (): string => scratch.stack.config.frontendUrl

test('a session without a task has the repositories of its project, and runs commands as the agent', async () => {
  const result = await run('id -un; git status --short --branch | head -1; cat', { stdin: 'in' })
  expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^agent\n## session\/ses_[0-9a-z]{26}[\s\S]*in$/) })
  expect((await run('cat /workspace/.helix/state.json')).exitCode).not.toBe(0)
  expect((await run('sleep 60', { timeoutMs: 500 })).exitCode).toBe(124)
})

test('files go up and come back, and no path leads out', async () => {
  const content = (path: string) => `${origin()}${fileContentPath.replace(':sessionId', session.id)}?path=${encodeURIComponent(path)}`
  const headers = { authorization: `Bearer ${key}` }
  const bytes = Buffer.alloc(5_000_000, 42)
  expect((await fetch(content('up/large.bin'), { method: 'PUT', body: bytes, headers })).status).toBe(200)
  expect((await run('stat -c "%U %s" /workspace/up/large.bin')).stdout).toBe(`agent ${bytes.length}\n`)
  expect(Buffer.from(await (await fetch(content('/workspace/up/large.bin'), { headers })).arrayBuffer()).equals(bytes)).toBe(true)
  await run('ln -s /etc/passwd /workspace/up/passwd; ln -s / /workspace/up/root')
  for (const path of ['up/passwd', 'up/root/etc/passwd', '../etc/passwd', '/run/helix/session.json'])
    expect([path, (await fetch(content(path), { headers })).status]).toEqual([path, 400])
  expect((await fetch(content('up/root/tmp/x'), { method: 'PUT', body: 'x', headers })).status).toBe(400)
  const { items } = await scratch.call(listFiles, { params: params(), query: { path: '/workspace/up' } })
  expect(items.map(({ name, kind }) => [name, kind])).toContainEqual(['passwd', 'link'])
})

test('a person types in a terminal, leaves, comes back and finds it as it was; axe finds nothing', async () => {
  await page.goto(`${origin()}/sessions/${session.id}`)
  await page.getByRole('button', { name: 'New terminal' }).click()
  await page.locator('[data-terminal-state="open"]').waitFor({ state: 'attached' })
  const shown = page.locator('.xterm-accessibility-tree')
  await page.keyboard.type('echo first-$((40+2))\n')
  await expect.poll(() => shown.innerText(), { timeout: 30_000 }).toContain('first-42')
  await page.keyboard.type('for i in 1 2 3 4 5 6 7 8; do sleep 1; echo tick-$i; done; echo over-$((1+1))\n')
  await page.goto(`${origin()}/projects`)
  await page.goto(`${origin()}/sessions/${session.id}`)
  await expect.poll(() => page.locator('.xterm-accessibility-tree').innerText(), { timeout: 30_000 }).toContain('over-2')
  expect(await page.locator('.xterm-accessibility-tree').innerText()).toContain('first-42')
  const found = await new AxeBuilder({ page }).analyze()
  expect(found.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
  await page.setViewportSize({ width: 390, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  await page.setViewportSize({ width: 1280, height: 800 })
  const { items } = await scratch.call(listTerminals, { params: params() })
  expect(items).toMatchObject([{ running: true, name: 'Terminal 1' }])
})

test('a server on the session’s loopback is opened in the browser, and is not there for a stranger', async () => {
  const program = `const { createServer } = require('node:http')
createServer((request, response) => response.end('<h1>Seen ' + (request.headers.cookie ?? 'no cookie') + '</h1>')).listen(3000, '127.0.0.1')`
  await run(`cat >/tmp/server.cjs; setsid node /tmp/server.cjs >/dev/null 2>&1 </dev/null & sleep 1`, { stdin: program })
  const { items } = await scratch.call(listPorts, { params: params() })
  const preview = items.find(({ port }) => port === 3000)
  expect(preview).toMatchObject({ shared: false, url: expect.stringContaining(`3000-${session.id.slice(4)}.localhost`) })
  await page.goto(`${origin()}/sessions/${session.id}?tab=workspace`)
  const [opened] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: 'Open preview' }).first().click()])
  await opened.getByRole('heading', { name: 'Seen no cookie' }).waitFor()
  expect(new URL(opened.url()).host).toContain(`3000-${session.id.slice(4)}.localhost`)
  const stranger = await browser.newContext()
  const other = await stranger.newPage()
  expect((await other.goto(preview?.url ?? ''))?.status()).toBe(404)
  await page.getByRole('checkbox', { name: /port 3000/ }).check()
  await expect.poll(async () => (await scratch.call(listPorts, { params: params() })).items[0]?.shared, { timeout: 30_000 }).toBe(true)
  await expect.poll(async () => (await other.goto(preview?.url ?? ''))?.status(), { timeout: 30_000 }).toBe(200)
  const found = await new AxeBuilder({ page }).analyze()
  expect(found.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
})

test('a session is suspended and resumed with its files, and stopped for good', async () => {
  await scratch.call(suspendSession, { params: params() })
  await untilState('suspended')
  await expect(run('true')).rejects.toMatchObject({ code: 'machine_unavailable', message: expect.stringContaining('resume') })
  await scratch.call(resumeSession, { params: params() })
  await untilState('idle')
  expect((await run('ls /workspace/up')).stdout).toContain('large.bin')
  await scratch.call(stopSession, { params: params() })
  await expect.poll(async () => (await scratch.call(getSession, { params: params() })).state, { timeout: 60_000 }).toBe('stopped')
  await expect(run('true')).rejects.toMatchObject({ code: 'conflict' })
})
