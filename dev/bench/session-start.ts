import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { AgentRuntime } from '@helix/contract/agents'
import { createApiKey } from '@helix/contract/identity'
import type { SessionId } from '@helix/contract/ids'
import { execCommand } from '@helix/contract/machine-use'
import { type Project, updateProject } from '@helix/contract/projects'
import { createSession, promptSession, resumeSession, stopSession, suspendSession } from '@helix/contract/session-life'
import { getJournal, getSession, type SessionState } from '@helix/contract/sessions'
import { sessionImage } from '../config.ts'
import { say } from '../setup/progress.mjs'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { machinesWait } from '../stack/session-containers.ts'
import { type ShellOf, shellAnswers } from '../stack/shell.ts'
import { openProject, table } from '../stack/story.ts'
import { type Figures, median, percentile } from './figures.ts'

const runs = { shell: 20, agent: 10, together: 3, cold: 7, resume: 7, docker: 7 }
const atOnce = 10
/** Units: milliseconds. What the run before left is done by then. */
const restMs = 1500
const run = promisify(execFile)

/** An installation, and sessions of one project in it. */
class Ground {
  readonly scratch: Scratch
  readonly shell: ShellOf
  readonly project: Project

  private constructor(scratch: Scratch, shell: ShellOf, project: Project) {
    this.scratch = scratch
    this.shell = shell
    this.project = project
  }

  static async on(scratch: Scratch): Promise<Ground> {
    const { secret: key } = await scratch.call(createApiKey, { body: { name: 'session-start' } })
    const shell = { origin: scratch.stack.config.frontendUrl, call: scratch.call, key }
    return new Ground(scratch, shell, await openProject(scratch.call, 'session-start', null))
  }

  async begin(): Promise<SessionId> {
    return (await this.scratch.call(createSession, { params: { projectId: this.project.id }, body: {} })).id
  }

  /** Units: milliseconds from asking for a session until its shell answered. */
  async toShell(): Promise<{ sessionId: SessionId; ms: number }> {
    const began = performance.now()
    const sessionId = await this.begin()
    await shellAnswers(this.shell, sessionId)
    return { sessionId, ms: performance.now() - began }
  }

  /** Units: milliseconds from asking for a session until its agent was handed a prompt, by the journal's clock. */
  async toAgent(): Promise<{ sessionId: SessionId; ms: number }> {
    const began = Date.now()
    const sessionId = await this.begin()
    await this.scratch.call(promptSession, { params: { sessionId }, body: { text: 'Say hello.' } })
    for (let look = 0; look < 600; look++) {
      const { entries } = await this.scratch.call(getJournal, { params: { sessionId }, query: { limit: 50 } })
      const prompt = entries.find(({ payload }) => payload.kind === 'prompt')
      if (prompt !== undefined) return { sessionId, ms: Date.parse(prompt.at) - began }
      await sleep(100)
    }
    throw new Error('the agent was not handed its prompt within a minute')
  }

  async until(sessionId: SessionId, state: SessionState): Promise<void> {
    for (let look = 0; look < 1200; look++) {
      if ((await this.scratch.call(getSession, { params: { sessionId } })).state === state) return
      await sleep(50)
    }
    throw new Error(`${sessionId} did not become ${state} within a minute`)
  }

  async stop(sessionId: SessionId): Promise<void> {
    await this.scratch.call(stopSession, { params: { sessionId } })
    await this.until(sessionId, 'stopped')
    await sleep(restMs)
  }

  /** Of the starts since the log had so many lines: each stage's median, in the order of the first. */
  stages(from: number): Map<string, number> {
    const starts = this.log()
      .slice(from)
      .filter((line) => line.includes('"session started"'))
    const all = starts.flatMap((line) => (JSON.parse(line) as { stages: { name: string; durationMs: number }[] }).stages)
    return new Map([...Map.groupBy(all, ({ name }) => name)].map(([name, of]) => [name, median(of.map(({ durationMs }) => durationMs))]))
  }

  log(): string[] {
    return readFileSync(join(this.scratch.stack.config.dataDir, 'logs', 'sandbox-host.log'), 'utf8').split('\n')
  }
}

const load = (): string => `load ${loadavg()[0]?.toFixed(1)}`

async function repeat(what: string, times: number, once: () => Promise<number>): Promise<number[]> {
  const all: number[] = []
  for (let count = 0; count < times; count++) all.push(await once())
  say(`${what}: ${all.map((ms) => ms.toFixed(0)).join(', ')} ms (${load()})`)
  return all
}

/** From machines that wait. */
async function warm(): Promise<{ figures: Figures; stages: Map<string, number> }> {
  await using scratch = await openScratch(say, {
    HELIX_WARM_SESSIONS: String(atOnce),
    HELIX_HOST_CAPACITY: '24',
    HELIX_HOST_MEMORY_FACTOR: '10',
  })
  const ground = await Ground.on(scratch)
  const { installation } = scratch.stack.secrets
  const single = (measure: () => Promise<{ sessionId: SessionId; ms: number }>) => async (): Promise<number> => {
    await machinesWait(installation, atOnce)
    const { sessionId, ms } = await measure()
    await ground.until(sessionId, 'idle')
    await ground.stop(sessionId)
    return ms
  }
  await single(() => ground.toShell())()
  const from = ground.log().length
  const alone = await repeat(
    'warm, to the shell',
    runs.shell,
    single(() => ground.toShell()),
  )
  const stages = ground.stages(from - 1)
  const together: number[] = []
  await repeat(`warm, ${atOnce} at once, the slowest`, runs.together, async () => {
    await machinesWait(installation, atOnce)
    const all = await Promise.all(Array.from({ length: atOnce }, () => ground.toShell()))
    together.push(...all.map(({ ms }) => ms))
    for (const { sessionId } of all) await ground.until(sessionId, 'idle')
    for (const { sessionId } of all) await ground.stop(sessionId)
    return Math.max(...all.map(({ ms }) => ms))
  })
  const figures: Figures = {
    'warm: create to shell p50': { value: median(alone), unit: 'ms', bar: 300 },
    [`warm: create to shell p99, ${atOnce} at once`]: { value: percentile(together, 99), unit: 'ms', bar: 1000 },
    [`warm: create to shell p50, ${atOnce} at once`]: { value: median(together), unit: 'ms', bar: null },
  }
  for (const [name, runtime, bar] of [
    ['goose', 'goose_code', 1500],
    ['claude', 'claude_code', 3000],
  ] as const) {
    const ready = await agentIsThere(ground, runtime)
    if (!ready) say(`${name}: its pack cannot be installed here, nothing is measured`)
    else
      figures[`warm: agent takes a prompt p50 (${name})`] = {
        value: median(
          await repeat(
            `warm, to the agent (${name})`,
            runs.agent,
            single(() => ground.toAgent()),
          ),
        ),
        unit: 'ms',
        bar,
      }
  }
  return { figures, stages }
}

/** From now on the project's sessions have this agent; false: its pack cannot be had here. */
async function agentIsThere({ scratch: { call }, project }: Ground, runtime: AgentRuntime): Promise<boolean> {
  const params = { projectId: project.id }
  await call(updateProject, { params, body: { agentRuntime: runtime } })
  const { id: sessionId } = await call(createSession, { params, body: {} })
  let state: SessionState = 'queued'
  // A pack is fetched and unpacked within minutes, or not at all.
  for (let look = 0; look < 1800 && state !== 'idle' && state !== 'suspended'; look++) {
    await sleep(100)
    state = (await call(getSession, { params: { sessionId } })).state
  }
  await call(stopSession, { params: { sessionId } })
  return state === 'idle'
}

/** Without machines that wait, resumed, and beside plain containers. */
async function cold(): Promise<{ figures: Figures; stages: Map<string, number> }> {
  await using scratch = await openScratch(say, { HELIX_WARM_SESSIONS: '0' })
  const ground = await Ground.on(scratch)
  const single = async (): Promise<number> => {
    const { sessionId, ms } = await ground.toShell()
    await ground.until(sessionId, 'idle')
    await ground.stop(sessionId)
    return ms
  }
  await single()
  const from = ground.log().length
  const starts = await repeat('cold, to the shell', runs.cold, single)
  const stages = ground.stages(from - 1)
  const { sessionId } = await ground.toShell()
  await ground.until(sessionId, 'idle')
  const params = { sessionId }
  const resumes = await repeat('resumed, to the shell', runs.resume, async () => {
    await scratch.call(suspendSession, { params })
    await ground.until(sessionId, 'suspended')
    await sleep(restMs)
    const began = performance.now()
    await scratch.call(resumeSession, { params })
    await shellAnswers(ground.shell, sessionId)
    const ms = performance.now() - began
    await ground.until(sessionId, 'idle')
    return ms
  })
  const inside = async (command: string): Promise<number> => {
    const { exitCode, stderr, durationMs } = await scratch.call(execCommand, { params, body: { command } })
    if (exitCode !== 0) throw new Error(stderr)
    return durationMs
  }
  // An image of one program, with what it needs.
  await inside("tar -chf - -C / bin/true $(ldd /bin/true | grep -o '/[^ ]*' | cut -c2-) | docker import - tiny >/dev/null")
  const inner = await repeat('docker run in a session', runs.docker, () => inside('docker run --rm tiny /bin/true'))
  const plain = await repeat('docker run on this machine', runs.docker, async () => {
    const began = performance.now()
    await run('docker', ['run', '--rm', '--entrypoint', '/bin/true', sessionImage])
    return performance.now() - began
  })
  return {
    stages,
    figures: {
      'cold: create to shell p50': { value: median(starts), unit: 'ms', bar: 3000 },
      'resume on the same host to shell p50': { value: median(resumes), unit: 'ms', bar: 2000 },
      'inner docker run p50': { value: median(inner), unit: 'ms', bar: 1000 },
      'plain docker run on this machine p50': { value: median(plain), unit: 'ms', bar: null },
    },
  }
}

/** How soon a session's shell answers and its agent takes a prompt: from machines that wait, cold, and resumed, with image and packs cached. */
export async function bench(): Promise<Figures> {
  say(load())
  const [fromWarm, fromCold] = [await warm(), await cold()]
  const names = [...new Set([...fromWarm.stages.keys(), ...fromCold.stages.keys()])]
  const of = (stages: Map<string, number>, name: string): string => String(stages.get(name) ?? '')
  const rows = names.map((name) => [name, of(fromWarm.stages, name), of(fromCold.stages, name)])
  process.stdout.write(
    `\nWhere the time on the host goes, p50 in milliseconds (some steps go side by side)\n${table(['step', 'warm', 'cold'], rows)}\n`,
  )
  return { ...fromWarm.figures, ...fromCold.figures }
}
