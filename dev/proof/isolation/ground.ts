import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Rung } from '@helix/contract/isolation'
import { updateProject } from '@helix/contract/projects'
import { createSession, resumeSession } from '@helix/contract/session-life'
import { getSession, type Session } from '@helix/contract/sessions'
import Docker from 'dockerode'
import { StandIns } from '../../../sandbox/tests/stand-ins.ts'
import { openScratch, type Scratch } from '../../stack/scratch.ts'
import { sessionContainers } from '../../stack/session-containers.ts'
import { openProject } from '../../stack/story.ts'
import { Listeners } from './listeners.ts'

/** What a try came to. `held` null: it could not be tried here, and `seen` says why. */
export interface Outcome {
  held: boolean | null
  seen: string
}

export interface Try {
  name: string
  run(ground: Ground): Promise<Outcome>
}

/** Small, so that every limit is met soon. */
const machine = { cpus: 1, memoryMb: 1024, diskMb: 1024 }
/** Units: milliseconds. */
const startMs = 180_000

export interface Said {
  code: number
  out: string
}

const run = promisify(execFile)

/** A program's end and what it said, however it ended. */
export async function program(name: string, args: string[], timeoutMs: number): Promise<Said> {
  try {
    const { stdout, stderr } = await run(name, args, { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 16e6 })
    return { code: 0, out: `${stdout}${stderr}`.trim() }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number | string; stdout?: string; stderr?: string }
    return { code: typeof code === 'number' ? code : -1, out: `${stdout}${stderr}`.trim() }
  }
}

/** A session that the proof acts in. */
export class Machine {
  readonly session: Session
  readonly container: string

  constructor(session: Session, container: string) {
    this.session = session
    this.container = container
  }

  root(script: string, seconds = 20): Promise<Said> {
    return this.shell('root', script, seconds)
  }

  agent(script: string, seconds = 20): Promise<Said> {
    return this.shell('agent', script, seconds)
  }

  private shell(user: string, script: string, seconds: number): Promise<Said> {
    const inside = ['timeout', '-s', 'KILL', String(seconds), 'bash', '-c', script]
    return program('docker', ['exec', '--user', user, this.container, ...inside], (seconds + 10) * 1000)
  }

  /** Whether root there gets a connection. */
  async reaches(address: string, port: number): Promise<boolean> {
    return (await this.root(`timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${port}' && echo reached`, 10)).out.endsWith('reached')
  }

  /** On the network of its session; inside it may have others. */
  async address(): Promise<string> {
    const { NetworkSettings } = await new Docker().getContainer(this.container).inspect()
    return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? ''
  }
}

/** An installation whose sessions stand on one rung, an attacker's session, another of a project that is not the attacker's, and what there is to attack. */
export class Ground implements AsyncDisposable {
  readonly scratch: Scratch
  readonly standIns: StandIns
  readonly listeners: Listeners
  attacker!: Machine
  victim!: Machine

  private constructor(scratch: Scratch, standIns: StandIns, listeners: Listeners) {
    this.scratch = scratch
    this.standIns = standIns
    this.listeners = listeners
  }

  static async open(rung: Rung, note: (text: string) => void): Promise<Ground> {
    const opened: AsyncDisposable[] = []
    const use = <T extends AsyncDisposable>(one: T): T => {
      opened.unshift(one)
      return one
    }
    try {
      const standIns = use(await StandIns.open())
      const listeners = use(await Listeners.open())
      const scratch = use(await openScratch(note, { HELIX_STRONGEST_RUNG: rung, HELIX_HOST_CAPACITY: '4' }))
      const ground = new Ground(scratch, standIns, listeners)
      ground.attacker = await ground.begin('attacker')
      ground.victim = await ground.begin('victim')
      return ground
    } catch (error) {
      for (const one of opened) await one[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A new session of a project of its own. */
  async begin(name: string): Promise<Machine> {
    const { call } = this.scratch
    const project = await openProject(call, name, null)
    const body = { size: 'custom' as const, customSize: machine }
    await call(updateProject, { params: { projectId: project.id }, body })
    const session = await call(createSession, { params: { projectId: project.id }, body: { title: name } })
    return this.running(session.id)
  }

  /** Its next container, after this one was suspended or ended. */
  async again({ session, container }: Machine): Promise<Machine> {
    // That a machine ended by itself is noticed within a minute or two; until then there is nothing to resume.
    for (const end = Date.now() + startMs; Date.now() < end; await sleep(300))
      if ((await this.scratch.call(getSession, { params: { sessionId: session.id } })).state === 'suspended') break
    await this.scratch.call(resumeSession, { params: { sessionId: session.id } })
    return this.running(session.id, container)
  }

  private async running(sessionId: Session['id'], before: string | null = null): Promise<Machine> {
    let said = ''
    for (const end = Date.now() + startMs; Date.now() < end; await sleep(300)) {
      const session = await this.scratch.call(getSession, { params: { sessionId } })
      said = `${session.state} ${session.reason ?? ''}`
      const running = await sessionContainers(this.scratch.stack.secrets.installation)
      const container = running.find((one) => one.sessionId === sessionId && one.id !== before)
      if (session.state === 'idle' && container !== undefined) return new Machine(session, container.id)
    }
    throw new Error(`a session did not start: ${said}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listeners[Symbol.asyncDispose]()
    await this.standIns[Symbol.asyncDispose]()
    await this.scratch[Symbol.asyncDispose]()
  }
}
