import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository, type Repository } from '@helix/contract/repositories'
import { createTask, type Task } from '@helix/contract/tasks'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { AgentLink, moveTo } from './agent-link.ts'
import { openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'

/** An installation with a project, and a person who is signed in to it. */
export class Tasks implements AsyncDisposable {
  readonly installation: Installation
  readonly browser: Browser
  readonly person: BrowserContext
  private readonly project: Project
  private readonly repository: Repository

  private constructor(installation: Installation, browser: Browser, person: BrowserContext, project: Project, repository: Repository) {
    this.installation = installation
    this.browser = browser
    this.person = person
    this.project = project
    this.repository = repository
  }

  static async open(): Promise<Tasks> {
    const [installation, browser] = await Promise.all([openInstallation(), openBrowser()])
    const { call } = installation
    const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
    const project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
    const person = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const { page } = await openPage(person)
    await page.goto(await installation.link())
    await page.waitForURL(/\/projects$/)
    await page.close()
    return new Tasks(installation, browser, person, project, repository)
  }

  /** A task that an agent implements. */
  async begin(): Promise<{ task: Task; agent: AgentLink }> {
    const { installation, project } = this
    const task = await installation.call(createTask, {
      params: { projectId: project.id },
      body: { prompt: 'Add a greeting', start: false },
    })
    const agent = await AgentLink.open(installation, task.id)
    await moveTo(installation, task.id, 1, 'backlog', 'queued_implementation')
    await moveTo(installation, task.id, 2, 'queued_implementation', 'implementing')
    return { task, agent }
  }

  async show(page: Page, task: Task, tab = 'timeline'): Promise<void> {
    await page.goto(`${this.installation.url}/tasks/${task.id}?tab=${tab}`)
    await page.locator('[data-waits-for]').waitFor()
  }

  /** Pushes files to a task's working branch, as its agent does. */
  push(task: Task, files: Record<string, string>): void {
    const { url, key } = this.installation
    const clone = mkdtempSync(join(tmpdir(), 'helix-changes-'))
    const as = ['-C', clone, '-c', 'user.name=A', '-c', 'user.email=a@example.com']
    const git = (...args: string[]) => execFileSync('git', [...as, ...args], { stdio: 'pipe' })
    git('clone', `${url.replace('://', `://helix:${key}@`)}${this.repository.clonePath}`, '.')
    if (git('branch', '--remotes', '--list', `origin/${task.branch}`).length > 0) git('checkout', task.branch)
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(clone, name)), { recursive: true })
      writeFileSync(join(clone, name), text)
    }
    git('add', '.')
    git('commit', '-m', 'work')
    git('push', 'origin', `HEAD:${task.branch}`)
    rmSync(clone, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close()
    await this.installation[Symbol.asyncDispose]()
  }
}
