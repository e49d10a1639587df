import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionFile } from '@helix/contract/link'
import { startUpCall } from './journal/history.ts'
import type { Recorder } from './journal/recorder.ts'
import { reasonOf } from './log.ts'
import { killGroup } from './run.ts'
import { environmentOf } from './secrets.ts'
import { type AgentUser, giveTo, shellOf, spawnAs } from './user.ts'

export interface StartUpInput {
  user: AgentUser
  script: string
  cwd: string
  /** Of the supervisor, where the agent's user may read but not list. */
  runDir: string
  env: Record<string, string>
  deadlineMs: number
  /** Ends the script with the session. */
  signal: AbortSignal
  /** All of its output so far, the oldest left out; at most once a second while it runs. */
  progress(output: string): void
}

export interface StartUpResult {
  /** Null when it was killed. */
  code: number | null
  timedOut: boolean
  output: string
}

/** Units: characters of output that are kept; the end of it says what went wrong. */
const kept = 32 * 1024
const progressMs = 1000

/** Runs the script as the agent's user to its end or its deadline, in a process group of its own. Any exit code is an answer. */
export async function runStartUp(input: StartUpInput): Promise<StartUpResult> {
  const file = join(input.runDir, 'start-up')
  await writeFile(file, input.script, { mode: 0o700 })
  await giveTo(input.user, file)
  try {
    return await execute(input, file)
  } finally {
    await rm(file, { force: true })
  }
}

function execute(input: StartUpInput, file: string): Promise<StartUpResult> {
  const [command, args]: [string, string[]] = input.script.startsWith('#!') ? [file, []] : [scriptShell(input.user), ['-e', file]]
  const child = spawnAs(input.user, command, args, { cwd: input.cwd, env: input.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let told = ''
  let timedOut = false
  const kill = () => killGroup(child.pid, 'SIGKILL')
  const deadline = setTimeout(() => {
    timedOut = true
    kill()
  }, input.deadlineMs)
  const ticker = setInterval(() => {
    if (output !== told) input.progress(output)
    told = output
  }, progressMs)
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      output = (output + chunk).slice(-kept)
    })
  }
  input.signal.addEventListener('abort', kill, { once: true })
  return new Promise<StartUpResult>((resolve, reject) => {
    child.once('error', reject)
    // `exit` and not `close`: what the script leaves running in the background keeps its output open.
    child.once('exit', (code) => setImmediate(() => resolve({ code, timedOut, output })))
  }).finally(() => {
    clearTimeout(deadline)
    clearInterval(ticker)
    input.signal.removeEventListener('abort', kill)
    if (timedOut || input.signal.aborted) kill()
  })
}

/** bash where it is there. */
const scriptShell = (user: AgentUser): string => shellOf(user)[0]

/** What became of it, for people; null when all went well. */
export function startUpFailure({ code, timedOut }: StartUpResult, deadlineMs: number): string | null {
  if (timedOut) return `The start-up script was ended after ${deadlineMs / 1000} s. The session goes on without the rest of it.`
  if (code === 0) return null
  return `The start-up script ended with ${code === null ? 'a signal' : `code ${code}`}. The session goes on without the rest of it.`
}

/** Runs the project's script in the working copy and tells in the journal how it goes. That it fails is told, and answered with; the session goes on. */
export async function reportStartUp(input: {
  session: SessionFile
  user: AgentUser
  cwd: string
  runDir: string
  /** Beside the project's secrets. */
  env: Record<string, string>
  recorder: Pick<Recorder, 'event' | 'notice'>
  signal: AbortSignal
}): Promise<boolean> {
  const { session, user, cwd, runDir, recorder, signal } = input
  const env = { ...environmentOf(session.secrets), ...input.env }
  if (session.startUp === null) return false
  const { script, deadlineSeconds } = session.startUp
  const call = { kind: 'tool' as const, toolCallId: `${startUpCall}${session.epoch}`, title: 'Start-up script', toolKind: 'execute' }
  const tell = (status: 'in_progress' | 'completed' | 'failed', output: string, exitCode: number | null) =>
    recorder.event({ ...call, status, content: [{ kind: 'terminal', output, exitCode }] })
  tell('in_progress', '', null)
  const deadlineMs = deadlineSeconds * 1000
  const progress = (output: string) => tell('in_progress', output, null)
  try {
    const result = await runStartUp({ user, cwd, runDir, script, env, deadlineMs, signal, progress })
    const failure = startUpFailure(result, deadlineMs)
    tell(failure === null ? 'completed' : 'failed', result.output, result.code)
    if (failure !== null && !signal.aborted) recorder.notice(failure)
    return failure === null
  } catch (error) {
    tell('failed', '', null)
    recorder.notice(`The start-up script could not be run: ${reasonOf(error)}`)
    return false
  }
}
