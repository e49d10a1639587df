import { setTimeout as sleep } from 'node:timers/promises'
import { createSession, resumeSession, suspendSession } from '@helix/contract/session-life'
import { getSession, type Session, type SessionState } from '@helix/contract/sessions'
import { streamClose } from '@helix/contract/stream'
import { openDesktop } from '@helix/contract/stream-tickets'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestViewer } from '../../sandbox/src/stream/testing-viewer.ts'
import { chromiumPath } from '../config.ts'
import { signInLink } from '../stack/administrator.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { openProject } from '../stack/story.ts'

let scratch: Scratch
let session: Session
beforeAll(async () => {
  scratch = await openScratch(console.log)
  const project = await openProject(scratch.call, 'desktop', null)
  session = await scratch.call(createSession, { params: { projectId: project.id }, body: { title: 'A desktop' } })
  await becomes('idle')
})
afterAll(async () => {
  await scratch?.[Symbol.asyncDispose]()
})

const params = () => ({ sessionId: session.id })
const state = async () => scratch.call(getSession, { params: params() })

async function becomes(wanted: SessionState): Promise<void> {
  for (let now = await state(); now.state !== wanted; now = await state()) {
    if (now.state === 'stopped') throw new Error(`the session stopped: ${now.reason}`)
    await sleep(200)
  }
}

async function connect(kind: 'direct' | 'relayed'): Promise<TestViewer> {
  const { ticket, urls } = await scratch.call(openDesktop, { params: params(), body: {} })
  const url = urls.find((one) => one.kind === kind)?.url
  return TestViewer.open(url ?? '', ticket)
}

/** As a page does: on and on. */
async function connectAgain(): Promise<TestViewer> {
  for (;;) {
    const viewer = await connect('direct').catch(() => null)
    if (viewer?.isOpen) return viewer
    await sleep(300)
  }
}

const seen = (viewer: TestViewer) => expect.poll(() => viewer.frames.length, { timeout: 60_000 }).toBeGreaterThan(0)

test('a session’s desktop is seen from the host directly, and through the control plane by who does not reach it', async () => {
  using direct = await connect('direct')
  await seen(direct)
  expect(direct.lastWord('hello')).toMatchObject({ relayed: false, right: 'control', width: 1920, height: 1080 })
  using relayed = await connect('relayed')
  await seen(relayed)
  expect(relayed.lastWord('hello')).toMatchObject({ relayed: true })
  expect([direct.torn, relayed.torn]).toEqual([0, 0])
  direct.say({ type: 'take', pausesAgent: false, force: false })
  await expect.poll(() => relayed.lastWord('control')?.holder?.id).toBe(direct.lastWord('hello')?.viewerId)
})

test('pages may open sockets to the host, and to no other', async () => {
  const page = await fetch(`${scratch.stack.url}/sign-in`)
  const policy = page.headers.get('content-security-policy') ?? ''
  const { streamPort } = scratch.stack.config
  expect(/connect-src ([^;]*)/.exec(policy)?.[1]).toBe(`'self' ws://localhost:${streamPort}`)
})

test('a tile of the sandboxes page shows a small picture of the desktop that runs', async () => {
  using viewer = await connectAgain()
  await seen(viewer)
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage()
    await page.goto(await signInLink(scratch.stack))
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
    const tile = page.getByRole('link', { name: /A desktop/ })
    const picture = tile.getByRole('img', { name: 'The desktop of A desktop', exact: true })
    // A session's start changes this machine's networks, on which Chromium cuts what it is loading.
    const shown = async (): Promise<boolean> => {
      await page.goto(new URL('/sandboxes', page.url()).href).catch(() => undefined)
      return picture.waitFor({ timeout: 8000 }).then(
        () => true,
        () => false,
      )
    }
    await expect.poll(shown, { timeout: 90_000, interval: 500 }).toBe(true)
    expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBe(320)
  } finally {
    await browser.close()
  }
})

test('a session that rests closes its viewers with its code, and is seen again after it', async () => {
  using viewer = await connect('direct')
  await seen(viewer)
  await scratch.call(suspendSession, { params: params() })
  expect((await viewer.closed).code).toBe(streamClose.session_suspended)
  await becomes('suspended')
  await expect(scratch.call(openDesktop, { params: params(), body: {} })).rejects.toThrow('The session is suspended: resume it first.')
  await scratch.call(resumeSession, { params: params() })
  await becomes('idle')
  using resumed = await connect('direct')
  await seen(resumed)
})

test('a host that is killed is back for its viewers', async () => {
  using viewer = await connect('direct')
  await seen(viewer)
  scratch.stack.process('sandbox-host').kill('SIGKILL')
  expect((await viewer.closed).code).toBe(1006)
  using back = await connectAgain()
  await seen(back)
})
