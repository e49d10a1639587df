import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { type Project, updateProject } from '@helix/contract/projects'
import { createSession, stopSession } from '@helix/contract/session-life'
import { getSession, type Session, type SessionState } from '@helix/contract/sessions'
import { agentSessionWorkflowId } from '@helix/workflows/messages'
import { openDatabase } from '../../stack/database.ts'
import type { Scratch } from '../../stack/scratch.ts'
import { type SessionContainer, sessionContainers } from '../../stack/session-containers.ts'
import { openProject, persistently } from '../../stack/story.ts'

const run = promisify(execFile)
/** Small, so that many run at once. */
const machine: Partial<BodyOf<typeof updateProject>> = { size: 'custom', customSize: { cpus: 1, memoryMb: 512, diskMb: 1024 } }
/** Units: milliseconds. A host that was killed comes back, and what it lost starts again. */
const patienceMs = 120_000

/** An installation to do things to, and how. */
export class Ground {
  readonly scratch: Scratch

  constructor(scratch: Scratch) {
    this.scratch = scratch
  }

  async project(name: string, rules: Partial<BodyOf<typeof updateProject>> = {}): Promise<Project> {
    const project = await openProject(this.scratch.call, name, null)
    return this.scratch.call(updateProject, { params: { projectId: project.id }, body: { ...machine, ...rules } })
  }

  begin(project: Project): Promise<Session> {
    return persistently(() => this.scratch.call(createSession, { params: { projectId: project.id }, body: {} }))
  }

  async state(sessionId: SessionId): Promise<SessionState> {
    try {
      return (await persistently(() => this.scratch.call(getSession, { params: { sessionId } }))).state
    } catch (error) {
      if (!(error instanceof HelixError) || error.status !== 404) throw error
      // Its project was deleted: nobody sees it any more, and it has to end all the same.
      await using database = openDatabase(this.scratch.stack)
      return (await database('agent_sessions').where({ id: sessionId }).first('state')).state
    }
  }

  /** False when it does not come to that. */
  async becomes(sessionId: SessionId, state: SessionState): Promise<boolean> {
    for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(150)) {
      const now = await this.state(sessionId)
      if (now === state) return true
      if (now === 'stopped') return false
    }
    return false
  }

  /** Asks for something that the session may not be in a state for. */
  async ask(what: () => Promise<unknown>): Promise<void> {
    try {
      await persistently(what)
    } catch (error) {
      if (!(error instanceof HelixError) || ![404, 409].includes(error.status)) throw error
    }
  }

  stop(sessionId: SessionId): Promise<void> {
    return this.ask(() => this.scratch.call(stopSession, { params: { sessionId } }))
  }

  async container(sessionId: SessionId): Promise<SessionContainer | null> {
    return (await sessionContainers(this.scratch.stack.secrets.installation)).find((one) => one.sessionId === sessionId) ?? null
  }

  /** As soon as there is one; null: there never was. */
  async firstContainer(sessionId: SessionId): Promise<SessionContainer | null> {
    for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(50)) {
      const found = await this.container(sessionId)
      if (found !== null) return found
    }
    return null
  }

  async docker(...args: string[]): Promise<string> {
    // It may have gone by itself.
    return (await run('docker', args).catch(() => ({ stdout: '' }))).stdout.trim()
  }

  /** What an operator does to a workflow. */
  async temporal(verb: 'terminate' | 'cancel', sessionId: SessionId): Promise<void> {
    const { temporalBinary, temporalAddress } = this.scratch.stack.config
    const args = ['workflow', verb, '--workflow-id', agentSessionWorkflowId(sessionId), '--address', temporalAddress]
    await run(temporalBinary ?? 'temporal', args).catch(() => undefined)
  }

  /** Its first start was so many hours ago. */
  async age(sessionId: SessionId, hours: number): Promise<void> {
    await using database = openDatabase(this.scratch.stack)
    await database('agent_sessions')
      .where({ id: sessionId })
      .update({ life_started_at: database.raw('now() - make_interval(hours => ?)', [hours]) })
  }
}
