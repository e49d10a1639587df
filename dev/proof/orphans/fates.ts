import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { deleteProject, type Project } from '@helix/contract/projects'
import { promptSession, resumeSession, suspendSession } from '@helix/contract/session-life'
import { archiveTask } from '@helix/contract/task-moves'
import { getTask } from '@helix/contract/tasks'
import { createAndStart, persistently } from '../../stack/story.ts'
import type { Ground } from './ground.ts'

export interface Chance {
  ground: Ground
  /** For sessions that share one, and for those whose life is short. */
  projects: { shared: Project; shortLived: Project }
  number: number
  next: () => number
}

/** Something that happens to a session from its beginning on. Answers with whose end is to be waited for. */
export type Fate = (chance: Chance) => Promise<SessionId>

const pause = ({ next }: Chance, mostMs: number): Promise<void> => sleep(next() * mostMs)

async function begun({ ground, projects }: Chance): Promise<SessionId> {
  return (await ground.begin(projects.shared)).id
}

async function idle(chance: Chance): Promise<SessionId> {
  const id = await begun(chance)
  await chance.ground.becomes(id, 'idle')
  return id
}

async function suspended(chance: Chance): Promise<SessionId> {
  const id = await idle(chance)
  const { call } = chance.ground.scratch
  await chance.ground.ask(() => call(suspendSession, { params: { sessionId: id } }))
  await chance.ground.becomes(id, 'suspended')
  return id
}

const resume = ({ ground }: Chance, sessionId: SessionId): Promise<void> =>
  ground.ask(() => ground.scratch.call(resumeSession, { params: { sessionId } }))

async function stop({ ground }: Chance, sessionId: SessionId): Promise<SessionId> {
  await ground.stop(sessionId)
  return sessionId
}

/** The process between the engine and a container's first one. */
async function killShim({ ground }: Chance, sessionId: SessionId): Promise<void> {
  const container = await ground.container(sessionId)
  if (container === null) return
  const pid = await ground.docker('inspect', '--format', '{{.State.Pid}}', container.id)
  const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const shim = readFileSync(`/proc/${parent}/cmdline`, 'utf8')
  if (!shim.includes(container.id)) throw new Error(`process ${parent} is not the shim of ${container.id}: ${shim.slice(0, 80)}`)
  process.kill(Number(parent), 'SIGKILL')
}

export const fates: Record<string, Fate> = {
  'stopped while it starts': async (chance) => {
    const id = await begun(chance)
    await pause(chance, 3000)
    return stop(chance, id)
  },
  'stopped when idle': async (chance) => stop(chance, await idle(chance)),
  'stopped in a turn': async (chance) => {
    const id = await idle(chance)
    const { call } = chance.ground.scratch
    await chance.ground.ask(() => call(promptSession, { params: { sessionId: id }, body: { text: 'Say what you see.' } }))
    await pause(chance, 2500)
    return stop(chance, id)
  },
  'suspended, then stopped': async (chance) => stop(chance, await suspended(chance)),
  'resumed, stopped meanwhile': async (chance) => {
    const id = await suspended(chance)
    await resume(chance, id)
    await pause(chance, 3000)
    return stop(chance, id)
  },
  'container killed, then resumed': async (chance) => {
    const id = await idle(chance)
    await chance.ground.docker('kill', (await chance.ground.container(id))?.id ?? '')
    await resume(chance, id)
    await pause(chance, 4000)
    return stop(chance, id)
  },
  'container killed while it starts': async (chance) => {
    const id = await begun(chance)
    const container = await chance.ground.firstContainer(id)
    await pause(chance, 1000)
    await chance.ground.docker('kill', container?.id ?? '')
    await pause(chance, 3000)
    return stop(chance, id)
  },
  'container removed by hand': async (chance) => {
    const id = await idle(chance)
    await chance.ground.docker('rm', '--force', (await chance.ground.container(id))?.id ?? '')
    return stop(chance, id)
  },
  'shim of the container killed': async (chance) => {
    const id = await idle(chance)
    await killShim(chance, id)
    await pause(chance, 2000)
    return stop(chance, id)
  },
  'workflow terminated': async (chance) => {
    const id = await idle(chance)
    await chance.ground.temporal('terminate', id)
    return stop(chance, id)
  },
  'workflow terminated while it starts': async (chance) => {
    const id = await begun(chance)
    await pause(chance, 2000)
    await chance.ground.temporal('terminate', id)
    await pause(chance, 2000)
    return stop(chance, id)
  },
  'workflow cancelled': async (chance) => {
    const id = await idle(chance)
    await chance.ground.temporal('cancel', id)
    return stop(chance, id)
  },
  'project deleted': async (chance) => {
    const { ground, number } = chance
    const project = await persistently(() => ground.project(`orphans-${number}`))
    const { id } = await ground.begin(project)
    await pause(chance, 5000)
    await ground.ask(() => ground.scratch.call(deleteProject, { params: { projectId: project.id }, body: { name: project.name } }))
    return id
  },
  expired: async (chance) => {
    const { ground, projects } = chance
    const { id } = await ground.begin(projects.shortLived)
    await ground.becomes(id, 'idle')
    await ground.age(id, 3)
    await resume(chance, id)
    return id
  },
  'task archived': async (chance) => {
    const { ground, projects, number } = chance
    const { call } = ground.scratch
    const story = { name: `Task ${number}`, prompt: 'Add a slugify function\n\nCover it with tests.' }
    const { id: taskId } = await createAndStart(call, projects.shared, story, `orphans-${number}`)
    let sessionId: SessionId | null = null
    while (sessionId === null) {
      await sleep(200)
      sessionId = (await persistently(() => call(getTask, { params: { taskId } }))).sessionId
    }
    await pause(chance, 5000)
    await ground.ask(() => call(archiveTask, { params: { taskId } }))
    return sessionId
  },
}
