import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeptCheckpoint } from '@helix/contract/sessions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, openBench } from './bench.ts'
import { inRepository } from './git-server.ts'
import { ensurePack } from './packs.ts'
import type { Script } from './scripted-model.ts'

let bench: Bench
const heard: string[] = []
beforeAll(async () => {
  const script: Script = (messages) => {
    heard.push(JSON.stringify(messages))
    const last = messages.at(-1)
    if (last?.role === 'tool') return { say: 'Done.' }
    return JSON.stringify(last).includes('draft') ? { run: 'echo draft > draft.txt' } : { say: 'Again.' }
  }
  bench = await openBench({ packs: await ensurePack('goose_code'), script })
}, 300_000)
afterAll(() => bench[Symbol.asyncDispose]())

test('goose goes on elsewhere with the conversation that a checkpoint kept', async () => {
  const first = await bench.start()
  await first.link.state('ready')
  first.link.prompt('prm_1', 'Write the draft about walruses.')
  expect((await first.link.result('prm_1', 60_000)).outcome).toBe('end_turn')
  await first.kill('SIGKILL')
  const checkpoint = [...first.link.journal.values()].flatMap(({ payload }): KeptCheckpoint[] =>
    payload.kind === 'checkpoint' ? [payload] : [],
  )[0]
  if (checkpoint === undefined) throw new Error(first.link.texts('notice').join('\n'))
  expect(checkpoint.leftOut).toEqual([])
  const { sessionId } = { sessionId: 'ses_01h455vb4pex5vsknk084sn02q' }
  const files = inRepository(bench.repository, 'ls-tree', '-r', '--name-only', `refs/helix/sessions/${sessionId}/1-agent`)
  expect(files).toMatch(/sessions\.db/)
  const kept = { last: 1, from: { ...checkpoint, sessionId, at: new Date().toISOString() }, turn: null }
  const second = await bench.start({ workspace: 'elsewhere', epoch: 2, session: { kept } })
  await second.link.state('ready')
  expect(readFileSync(join(second.workspace, 'sample', 'draft.txt'), 'utf8')).toBe('draft\n')
  expect(second.link.texts('notice').join('\n')).not.toMatch(/new one|new conversation/)
  second.link.prompt('prm_2', 'What was it about?')
  expect((await second.link.result('prm_2', 60_000)).outcome).toBe('end_turn')
  expect(heard.at(-1)).toContain('walruses')
}, 240_000)
