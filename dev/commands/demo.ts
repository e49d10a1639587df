import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installationConfig, sandboxProblem } from '../config.ts'
import { fail, say, step } from '../setup/progress.mjs'
import { administrator } from '../stack/administrator.ts'
import { hostReady } from '../stack/host-ready.ts'
import { runningPid } from '../stack/lock.ts'
import { keepSecrets } from '../stack/secrets.ts'
import { signalled } from '../stack/signals.ts'
import { Stack } from '../stack/stack.ts'
import { createAndStart, driveToMerged, openProject, sampleStory, timelineTable } from '../stack/story.ts'

/** Units: milliseconds. A real model may take its time. */
const deadlineMs = 30 * 60_000

type Running = Pick<Stack, 'url' | 'secrets'> & AsyncDisposable

/** The installation that runs already, or one started for the demo and stopped after it. */
async function useOrStart(): Promise<Running> {
  const config = installationConfig()
  if (runningPid(config.dataDir) === null) {
    const stack = await step('Processes', () => Stack.start(config, say))
    await step('Control plane', () => stack.ready())
    return stack
  }
  say('using the installation that runs already')
  return { url: `http://127.0.0.1:${config.port}`, secrets: keepSecrets(config.dataDir), [Symbol.asyncDispose]: async () => {} }
}

/** `--repo`: a path of this machine is imported by its absolute path, anything else as it is. */
function sourceOf(repo: string | undefined): string | null {
  if (repo === undefined) return null
  return /^[a-z]+:\/\//.test(repo) ? repo : resolve(repo)
}

async function demo(running: Running, repo: string | null): Promise<void> {
  const call = await administrator(running)
  await step('Sandbox host', () => hostReady(call))
  const name = `demo-${Date.now().toString(36)}`
  const project = await step(`Project over ${repo ?? 'the sample repository'}`, () => openProject(call, name, repo))
  const created = await createAndStart(call, project, sampleStory, name)
  say(`task #${created.number} "${created.title}"${created.demo ? ' (demo script, not a model)' : ''}`)
  let last = ''
  const task = await driveToMerged(call, created.id, deadlineMs, ({ status, activity }) => {
    const line = `${status}: ${activity}`
    if (line !== last) say(line)
    last = line
  })
  process.stdout.write(`\n${await timelineTable(call, task)}\n\n`)
  say(`merged as ${task.mergedCommit}`)
}

const { values } = parseArgs({ options: { repo: { type: 'string' } } })
try {
  if (sandboxProblem !== null) throw new Error(`the demo needs a sandbox: ${sandboxProblem}`)
  const stopped = signalled().then(() => {
    throw new Error('stopped before the task was merged')
  })
  await using running = await useOrStart()
  await Promise.race([demo(running, sourceOf(values.repo)), stopped])
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
process.exit(0)
