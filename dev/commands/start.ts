import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listProjects } from '@helix/contract/projects'
import { getSystem } from '@helix/contract/system'
import { installationConfig, sandboxProblem } from '../config.ts'
import { fail, say, step } from '../setup/progress.mjs'
import { administrator, signInLink } from '../stack/administrator.ts'
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
  const call = await administrator(stack)
  const { problems, inference } = await call(getSystem, {})
  const lines = [
    '',
    `  Helix       ${stack.config.frontendUrl}`,
    `  Sign in     ${await signInLink(stack)}   (once, within 15 minutes)`,
    ...(stack.config.temporalBinary === null ? [] : [`  Temporal    http://localhost:${stack.config.temporalUiPort}`]),
    `  Inference   ${inference.demo ? 'demo script, not a model: set OPENAI_API_KEY (and OPENAI_BASE_URL) or ANTHROPIC_API_KEY' : inference.providers.map((p) => p.name).join(', ')}`,
    `  State       ${stack.config.dataDir}`,
    ...[...new Set([...problems, ...(sandboxProblem === null ? [] : [sandboxProblem])])].map((problem) => `  Missing     ${problem}`),
    '',
    '  Ctrl-C stops everything.',
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

try {
  const config = installationConfig()
  const ended = signalled()
  await using stack = await step('Processes', () => Stack.start(config, say))
  await step('Control plane', () => Promise.race([stack.ready(), ended]))
  await Promise.race([seed(stack).then(() => announce(stack)), ended])
  await ended
  say('stopping')
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
say('stopped: no process, container or lock is left')
process.exit(0)
