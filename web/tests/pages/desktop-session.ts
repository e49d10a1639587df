import type { SessionId } from '@helix/contract/ids'
import { createProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createSession } from '@helix/contract/session-life'
import { FleetHost } from './fleet-host.ts'
import { type Installation, openInstallation } from './installation.ts'

export interface DesktopSession extends AsyncDisposable {
  installation: Installation
  fleet: FleetHost
  /** Runs on the fleet's host. */
  sessionId: SessionId
}

/** An installation with one running session, whose desktop a stand-in shows. */
export async function openDesktopSession(): Promise<DesktopSession> {
  const installation = await openInstallation()
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  const project = await call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
  const fleet = await FleetHost.open(installation, 'mars')
  const { id: sessionId } = await call(createSession, { params: { projectId: project.id }, body: { title: 'Desk' } })
  await fleet.takes(sessionId)
  const dispose = async (): Promise<void> => {
    await fleet.close()
    await installation[Symbol.asyncDispose]()
  }
  return { installation, fleet, sessionId, [Symbol.asyncDispose]: dispose }
}
