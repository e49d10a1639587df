import type { SessionId } from '@helix/contract/ids'
import { createProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createSession } from '@helix/contract/session-life'
import type { Browser, BrowserContext } from 'playwright-core'
import { openBrowser } from './browser.ts'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

export interface DesktopGround extends AsyncDisposable {
  installation: Installation
  browser: Browser
  /** Signed in as the administrator. */
  person: BrowserContext
  fleet: FleetHost
  /** Runs on the fleet's host. */
  sessionId: SessionId
}

/** An installation with one running session, whose desktop a stand-in shows. */
export async function openDesktopGround(): Promise<DesktopGround> {
  const [installation, browser] = await Promise.all([openInstallation(), openBrowser()])
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  const project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  const fleet = await FleetHost.open(installation, 'mars')
  const { id: sessionId } = await call(createSession, { params: { projectId: project.id }, body: { title: 'Desk' } })
  await fleet.takes(sessionId)
  const person = await openPerson(installation, browser)
  const dispose = async (): Promise<void> => {
    await fleet.close()
    await browser.close()
    await installation[Symbol.asyncDispose]()
  }
  return { installation, browser, person, fleet, sessionId, [Symbol.asyncDispose]: dispose }
}
