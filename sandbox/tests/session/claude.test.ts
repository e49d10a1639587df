import { afterEach, beforeAll, expect, test } from 'vitest'
import { type Bench, branch, openBench } from './bench.ts'
import { inRepository } from './git-server.ts'
import { ensurePack } from './packs.ts'
import { scriptedClaude } from './scripted-claude.ts'
import { lastText, type Script } from './scripted-model.ts'

let packs: string
let bench: Bench

beforeAll(async () => {
  packs = await ensurePack('claude_code')
}, 300_000)
afterEach(async () => {
  await bench?.[Symbol.asyncDispose]()
})

test('a session with Claude Code takes a prompt and commits, and goes on after its agent is killed', async () => {
  const seen: string[] = []
  const script: Script = (messages, { tools }) => {
    // Without tools it is one of Claude's own small questions.
    if (tools.length === 0) return { say: 'A title' }
    seen.push(lastText(messages, 'user'))
    return messages.at(-1)?.role === 'tool'
      ? { say: 'Done.' }
      : { run: 'echo hello >> greeting.txt && git add -A && git commit -qm "A greeting"' }
  }
  bench = await openBench({ packs, script })
  bench.server.route('/v1', scriptedClaude(script))
  const { link } = await bench.start({ session: { agentRuntime: 'claude_code', model: 'claude-scripted' } })
  await link.state('ready')
  link.prompt('prm_1', 'Add a greeting.')
  expect(await link.result('prm_1')).toMatchObject({ outcome: 'end_turn' })
  expect(inRepository(bench.repository, 'log', '-1', '--format=%s', branch)).toBe('A greeting')
  const killed = link.status()?.agentPid ?? 0
  process.kill(killed, 'SIGKILL')
  await link.until('its end', () => link.status()?.agentPid === null)
  link.prompt('prm_2', 'Add another one.')
  expect(await link.result('prm_2')).toMatchObject({ outcome: 'end_turn' })
  expect(seen.join('\n')).toContain('Add another one.')
  expect(link.texts('chunk')).toEqual(['Done.', 'Done.'])
})
