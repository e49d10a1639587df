import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listProjects } from '@helix/contract/projects'
import { getSystem } from '@helix/contract/system'
import { installationConfig, sandboxProblem } from '../config.ts'
import { fail, say, step } from '../setup/progress.mjs'
import { administrator, signInLink } from '../stack/administrator.ts'
import { hostReady } from '../stack/host-ready.ts'
import { signalled } from '../stack/signals.ts'
import { Stack } from '../stack/stack.ts'
import { createAndStart, openProject, sampleStory } from '../stack/story.ts'

/** On the very first start the board has something to show: a sample project whose first task is under way. */
async function seed(stack: Stack): Promise<void> {
  const marker = join(stack.config.dataDir, 'seeded')
  if (existsSync(marker)) return
  await step('Sample project', async () => {
    const call = await administrator(stack)
    const { items } = await call(listProjects, {})
    const project = items[0] ?? (await openProject(call, 'sample', null))
    await createAndStart(call, project, sampleStory, 'first-start')
  })
  writeFileSync(marker, '', { mode: 0o600 })
}

async function announce(stack: Stack): Promise<void> {
  const { inference } = await (await administrator(stack))(getSystem, {})
  const lines = [
    '',
    `  Helix       ${stack.config.frontendUrl}`,
    `  Sign in     ${await signInLink(stack)}   (once, within 15 minutes)`,
    ...(stack.config.temporalBinary === null ? [] : [`  Temporal    http://localhost:${stack.config.temporalUiPort}`]),
    `  Inference   ${inference.demo ? 'demo script, not a model: set OPENAI_API_KEY (and OPENAI_BASE_URL) or ANTHROPIC_API_KEY' : inference.providers.map((p) => p.name).join(', ')}`,
    `  State       ${stack.config.dataDir}`,
    '',
    '  Ctrl-C stops everything.',
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** Sessions are what takes longest to be ready: the link above works before. */
async function announceSandbox(stack: Stack): Promise<void> {
  if (sandboxProblem !== null) return say(`no sessions: ${sandboxProblem}. Everything else works; tasks wait.`)
  try {
    await step('Sandbox host', async () => hostReady(await administrator(stack)))
  } catch (error) {
    say(`no sessions yet: ${error instanceof Error ? error.message : error}. Tasks wait; see ${stack.process('sandbox-host').plan.logFile}`)
  }
}

try {
  const config = installationConfig()
  const ended = signalled()
  await using stack = await step('Processes', () => Stack.start(config, say))
  await step('Control plane', () => Promise.race([stack.ready(), ended]))
  await Promise.race([
    seed(stack)
      .then(() => announce(stack))
      .then(() => announceSandbox(stack)),
    ended,
  ])
  await ended
  say('stopping')
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
say('stopped: no process, container or lock is left')
process.exit(0)
