import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, branch, openBench } from './bench.ts'
import { inRepository } from './git-server.ts'
import { ensurePack } from './packs.ts'
import { lastText, type Move, type Script } from './scripted-model.ts'

const prompt = 'Add two steps.\n\n<helix-task>\nphase: implementing\nnumber: 000001\n</helix-task>'
const commit = 'git add -A && git commit -qm "Both steps"'
let packs: string
let bench: Bench

beforeAll(async () => {
  packs = await ensurePack('goose_code')
}, 300_000)
afterEach(async () => {
  await bench?.[Symbol.asyncDispose]()
})

/** Writes one step, hangs until it is interrupted, and after the interruption writes the other step and commits. */
function interruptedScript(): { script: Script; hanging: Promise<void>; prompts: string[] } {
  const hanging = Promise.withResolvers<void>()
  const prompts: string[] = []
  const script: Script = (messages): Move | Promise<Move> => {
    const said = lastText(messages, 'user')
    if (prompts.at(-1) !== said) prompts.push(said)
    const answered = messages.at(-1)?.role === 'tool'
    if (!said.includes('interrupted')) {
      if (!answered) return { run: 'echo one >> steps.txt' }
      hanging.resolve()
      return new Promise<Move>(() => undefined)
    }
    return answered ? { say: 'Both steps are there.' } : { run: `echo two >> steps.txt && ${commit}` }
  }
  return { script, hanging: hanging.promise, prompts }
}

function steps(workspace: string): string {
  return readFileSync(join(workspace, 'sample', 'steps.txt'), 'utf8')
}

describe('a session with goose', () => {
  test('takes a prompt, works in the working copy, and its commits reach the control plane', async () => {
    const script: Script = (messages) =>
      messages.at(-1)?.role === 'tool' ? { say: 'Done, dear 😀 friend.' } : { run: `echo hello > greeting.txt && ${commit}` }
    bench = await openBench({ packs, script })
    const { link, kill } = await bench.start()
    await link.state('ready')
    link.prompt('prm_1', prompt)
    expect(await link.result('prm_1')).toEqual({ promptId: 'prm_1', outcome: 'end_turn', message: null, retryable: false })
    const kinds = link.entries().map(({ payload }) => payload.kind)
    expect(kinds[0]).toBe('prompt')
    expect(kinds.at(-1)).toBe('turn_end')
    expect(link.texts('chunk').join('')).toBe('Done, dear 😀 friend.')
    expect(link.texts('tool').at(-1)).toContain('completed')
    expect(inRepository(bench.repository, 'log', '-1', '--format=%an %ae %s', branch)).toBe(
      'Ada "the first" Lovelace ada@example.com Both steps',
    )
    expect(await kill('SIGTERM')).toBe(0)
  })

  test('goes on after its agent is killed in the middle of a turn, with one prompt entry', async () => {
    const { script, hanging, prompts } = interruptedScript()
    bench = await openBench({ packs, script })
    const { link, workspace } = await bench.start()
    link.prompt('prm_1', prompt)
    await hanging
    const killed = link.status()?.agentPid ?? 0
    process.kill(killed, 'SIGKILL')
    expect((await link.result('prm_1')).outcome).toBe('end_turn')
    expect(steps(workspace)).toBe('one\ntwo\n')
    expect(link.entries().filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
    expect(link.texts('notice').join('\n')).toMatch(/SIGKILL.*goes on/)
    // The continuation carries the task's data, not the prompt again: goose still knows that.
    expect(prompts.at(-1)).toContain('number: 000001')
    expect(prompts.at(-1)).not.toContain('Add two steps.')
    expect(link.status()?.agentPid).not.toBe(killed)
  })

  test('goes on after the supervisor is killed, when the same prompt comes again', async () => {
    const { script, hanging } = interruptedScript()
    bench = await openBench({ packs, script })
    const first = await bench.start()
    first.link.prompt('prm_1', prompt)
    await hanging
    const agentPid = first.link.status()?.agentPid ?? 0
    await first.kill('SIGKILL')
    // In a container the agent ends with its supervisor.
    process.kill(-agentPid, 'SIGKILL')
    const second = await bench.start({ epoch: 2 })
    const link = await second.dial(first.link)
    link.prompt('prm_1', prompt)
    expect((await link.result('prm_1')).outcome).toBe('end_turn')
    expect(steps(second.workspace)).toBe('one\ntwo\n')
    expect(link.entries().filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
    expect(link.entries().filter(({ payload }) => payload.kind === 'turn_end')).toHaveLength(1)
    link.prompt('prm_1', prompt)
    await link.until('the result again', () => link.frames.filter(({ type }) => type === 'turn').length > 1)
    expect(steps(second.workspace)).toBe('one\ntwo\n')
  })

  test('leaves its prompt unfinished when it is stopped, and goes on with it in its next start', async () => {
    const { script, hanging } = interruptedScript()
    bench = await openBench({ packs, script })
    const first = await bench.start()
    first.link.prompt('prm_1', prompt)
    await hanging
    const ended = new Promise<number | null>((resolve) => first.child.once('exit', resolve))
    first.link.send({ type: 'stop' })
    expect(await ended).toBe(0)
    expect(first.link.frames.some(({ type }) => type === 'turn')).toBe(false)
    const second = await bench.start({ epoch: 2 })
    const link = await second.dial(first.link)
    link.prompt('prm_1', prompt)
    expect((await link.result('prm_1')).outcome).toBe('end_turn')
    expect(steps(second.workspace)).toBe('one\ntwo\n')
    expect(link.entries().filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
  })

  test('hands a prompt on once, however often it comes and the link drops', async () => {
    const gate = Promise.withResolvers<void>()
    const script: Script = async (messages) => {
      if (messages.at(-1)?.role !== 'tool') return { run: 'echo one >> steps.txt' }
      await gate.promise
      return { say: 'Done.' }
    }
    bench = await openBench({ packs, script })
    const { link, dial, workspace } = await bench.start()
    link.acknowledging = false
    for (let times = 0; times < 3; times++) link.prompt('prm_1', prompt)
    await link.until('the first tool call', () => link.texts('tool').some((text) => text.includes('completed')))
    link.drop()
    const again = await dial(link)
    again.prompt('prm_1', prompt)
    await again.state('busy')
    gate.resolve()
    expect((await again.result('prm_1')).outcome).toBe('end_turn')
    expect(steps(workspace)).toBe('one\n')
    expect(again.entries().filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
    // A third host that knows nothing gets everything from the last acknowledged entry on, and the result.
    const third = await dial(again)
    await third.result('prm_1')
  })

  test('heartbeats while a turn runs, and ends it with what it started when it is cancelled', async () => {
    const script: Script = (messages) =>
      messages.at(-1)?.role === 'tool' ? { say: 'Done.' } : { run: 'touch begun; sleep 300; touch ended' }
    bench = await openBench({ packs, script })
    const { link, workspace } = await bench.start()
    link.prompt('prm_1', prompt)
    await link.until('a heartbeat', () => link.frames.some((frame) => frame.type === 'heartbeat' && frame.promptId === 'prm_1'))
    await link.until('the command', () => existsSync(join(workspace, 'sample', 'begun')))
    link.send({ type: 'cancel', promptId: 'prm_1' })
    expect((await link.result('prm_1')).outcome).toBe('cancelled')
    await link.state('ready')
    link.prompt('prm_2', 'Again.')
    await link.until('the next turn', () => link.texts('prompt').length === 2)
  })

  test('outlives a control plane that is away in the middle of a turn', async () => {
    const prompts: string[] = []
    const script: Script = (messages) => {
      if (messages.at(-1)?.role === 'tool') return { say: 'Done.' }
      prompts.push(lastText(messages, 'user'))
      return { run: `echo one >> steps.txt && ${commit}` }
    }
    bench = await openBench({ packs, script })
    const { link, workspace } = await bench.start()
    await link.state('ready')
    bench.server.away = true
    link.prompt('prm_1', prompt)
    await link.until('a notice', () => link.texts('notice').some((text) => text.includes('could not reach its model')))
    bench.server.away = false
    expect((await link.result('prm_1')).outcome).toBe('end_turn')
    expect(steps(workspace)).toBe('one\n')
    // What could not be asked is asked again in full.
    expect(prompts.at(-1)).toContain('Add two steps.')
    expect(inRepository(bench.repository, 'log', '-1', '--format=%s', branch)).toBe('Both steps')
  })

  test.for([
    { status: 402, retryable: false },
    { status: 400, retryable: true },
  ])('ends the turn with an error when the gateway answers $status', async ({ status, retryable }) => {
    const body = { error: { code: 'x', message: 'Said by the gateway.', type: 'x' } }
    bench = await openBench({ packs, script: () => ({ status, body }) })
    const { link } = await bench.start()
    link.prompt('prm_1', prompt)
    const result = await link.result('prm_1')
    expect(result).toMatchObject({ outcome: 'error', retryable })
    expect(result.message).toMatch(status === 402 ? /credits/ : /Said by the gateway/)
    await link.state('ready')
  })

  test('gives a new agent the whole prompt when the old conversation cannot be loaded', async () => {
    const { script, hanging, prompts } = interruptedScript()
    bench = await openBench({ packs, script })
    const { link, workspace } = await bench.start()
    link.prompt('prm_1', prompt)
    await hanging
    rmSync(join(workspace, '.agent', 'goose_code'), { recursive: true })
    mkdirSync(join(workspace, '.agent', 'goose_code'))
    process.kill(link.status()?.agentPid ?? 0, 'SIGKILL')
    expect((await link.result('prm_1')).outcome).toBe('end_turn')
    expect(steps(workspace)).toBe('one\ntwo\n')
    expect(prompts.at(-1)).toContain('Add two steps.')
    expect(link.texts('notice').join('\n')).toContain('began a new one')
  })

  test('gives up on an agent that dies again and again, with a reason', async () => {
    const dying: { pid: () => number } = { pid: () => 0 }
    bench = await openBench({
      packs,
      script: () => {
        process.kill(dying.pid(), 'SIGKILL')
        return new Promise<Move>(() => undefined)
      },
    })
    const { link } = await bench.start()
    dying.pid = () => link.status()?.agentPid ?? 0
    link.prompt('prm_1', prompt)
    const result = await link.result('prm_1')
    expect(result).toMatchObject({ outcome: 'error', retryable: false })
    expect(result.message).toMatch(/4 times.*SIGKILL/)
  })
})
