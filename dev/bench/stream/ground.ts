import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { execCommand } from '@helix/contract/machine-use'
import { type Project, updateProject } from '@helix/contract/projects'
import { createSession, stopSession } from '@helix/contract/session-life'
import { getSession, type SessionState } from '@helix/contract/sessions'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath } from '../../config.ts'
import { signInLink } from '../../stack/administrator.ts'
import { openScratch, type Scratch } from '../../stack/scratch.ts'
import { sessionContainers } from '../../stack/session-containers.ts'
import { openProject } from '../../stack/story.ts'
import { installProbe, type Seen, takeSeen } from './probe.ts'

export interface Screen {
  width: number
  height: number
}

/** An installation with one project whose sessions have a desktop, and browsers that look at it. */
export class Ground implements AsyncDisposable {
  readonly scratch: Scratch
  private readonly project: Project

  private constructor(scratch: Scratch, project: Project) {
    this.scratch = scratch
    this.project = project
  }

  static async open(note: (text: string) => void, env: NodeJS.ProcessEnv = {}): Promise<Ground> {
    const scratch = await openScratch(note, env)
    return new Ground(scratch, await openProject(scratch.call, 'stream', null))
  }

  get call(): Scratch['call'] {
    return this.scratch.call
  }

  get url(): string {
    return this.scratch.stack.config.frontendUrl
  }

  async setScreen({ width, height }: Screen): Promise<void> {
    const desktop = { enabled: true, width, height, scale: 100, fps: 60 }
    await this.call(updateProject, { params: { projectId: this.project.id }, body: { desktop } })
  }

  async createSession(): Promise<SessionId> {
    return (await this.call(createSession, { params: { projectId: this.project.id }, body: {} })).id
  }

  async until(sessionId: SessionId, state: SessionState): Promise<void> {
    for (let look = 0; look < 1200; look++) {
      if ((await this.call(getSession, { params: { sessionId } })).state === state) return
      await sleep(50)
    }
    throw new Error(`${sessionId} did not become ${state} within a minute`)
  }

  async runningSession(screen: Screen): Promise<SessionId> {
    await this.setScreen(screen)
    const sessionId = await this.createSession()
    await this.until(sessionId, 'idle')
    return sessionId
  }

  async stop(sessionId: SessionId): Promise<void> {
    await this.call(stopSession, { params: { sessionId } })
    await this.until(sessionId, 'stopped')
  }

  /** Runs in the session and must end well; the answer is what it wrote. */
  async inside(sessionId: SessionId, command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.call(execCommand, { params: { sessionId }, body: { command } })
    if (exitCode !== 0) throw new Error(`${command.slice(0, 80)}: ${stderr}`)
    return stdout
  }

  /** From now on the desktop shows this scene and no other. */
  async show(sessionId: SessionId, mode: 'still' | 'type' | 'scroll' | 'video' | 'keys', rate = 60): Promise<void> {
    const script = readFileSync(join(import.meta.dirname, 'scene.py')).toString('base64')
    const [file, pid, log] = ['/tmp/scene.py', '/tmp/scene.pid', '/tmp/scene.log']
    const end = `test -f ${pid} && kill $(cat ${pid}) 2>/dev/null; echo ${script} | base64 -d >${file}`
    const start = `setsid python3 ${file} ${mode} ${rate} >${log} 2>&1 & echo $! >${pid}; sleep 0.5; kill -0 $(cat ${pid}) || { cat ${log} >&2; exit 1; }`
    await this.inside(sessionId, `${end}; ${start}`)
  }

  async containerOf(sessionId: SessionId): Promise<string> {
    const all = await sessionContainers(this.scratch.stack.secrets.installation)
    const found = all.find((container) => container.sessionId === sessionId)
    if (found === undefined) throw new Error(`${sessionId} has no container`)
    return found.id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scratch[Symbol.asyncDispose]()
  }
}

/** A browser whose viewer tells what it paints. */
export class Watcher implements AsyncDisposable {
  readonly page: Page
  private readonly browser: Browser

  private constructor(browser: Browser, page: Page) {
    this.browser = browser
    this.page = page
  }

  static async open(ground: Ground, screen: Screen, executablePath = chromiumPath): Promise<Watcher> {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
    const viewport = { width: Math.min(screen.width, 1600) + 80, height: Math.min(screen.height, 900) + 200 }
    const context = await browser.newContext({ bypassCSP: true, viewport })
    const page = await context.newPage()
    await installProbe(page, screen.width)
    page.setDefaultTimeout(60_000)
    const watcher = new Watcher(browser, page)
    await watcher.goto(await signInLink(ground.scratch.stack))
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
    return watcher
  }

  async openDesktop(ground: Ground, sessionId: SessionId): Promise<void> {
    await this.goto(`${ground.url}/sessions/${sessionId}?tab=desktop`)
    await this.painted()
  }

  /** A session that starts or stops changes this machine's networks, on which Chromium cuts what it is loading. */
  async goto(url: string): Promise<void> {
    for (let attempt = 0; ; attempt++)
      try {
        await this.page.goto(url)
        return
      } catch (error) {
        if (attempt === 3) throw error
        await sleep(200)
      }
  }

  /** Resolves at the next picture. Answers with when it was painted, unix milliseconds. */
  async painted(deadlineMs = 60_000): Promise<number> {
    for (const end = Date.now() + deadlineMs; Date.now() < end; await sleep(20)) {
      const [first] = await takeSeen(this.page)
      if (first !== undefined) return first.at
    }
    throw new Error(`nothing was painted for ${deadlineMs / 1000} s: ${await this.page.locator('body').innerText()}`)
  }

  /** What was painted since the last call. */
  seen(): Promise<Seen[]> {
    return takeSeen(this.page)
  }

  /** What is painted for so long, after what came before is forgotten. */
  async watch(seconds: number): Promise<Seen[]> {
    await this.seen()
    await sleep(seconds * 1000)
    return this.seen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close()
  }
}

/** Units: milliseconds from the scene's painting to the canvas, of each picture with a new code. */
export function glassToGlass(seen: readonly Seen[]): number[] {
  const byCode = new Map<number, number>()
  for (const { at, scene } of seen) if (scene !== null && !byCode.has(scene)) byCode.set(scene, at - scene)
  return [...byCode.values()]
}
