import { join } from 'node:path'
import type { AgentRuntime } from '@helix/contract/agents'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type Bench, openBench } from './bench.ts'
import { DesktopMachine, image } from './desktop-client.ts'
import { ensureSessionImage } from './image.ts'
import { LinkClient } from './link-client.ts'
import { ensurePack } from './packs.ts'
import { scriptedClaude } from './scripted-claude.ts'
import type { Script } from './scripted-model.ts'

let bench: Bench
let machine: DesktopMachine

beforeAll(() => ensureSessionImage(image), 600_000)
afterEach(async () => {
  await machine?.[Symbol.asyncDispose]()
  await bench?.[Symbol.asyncDispose]()
})

/** A session with a real agent, whose model looks at the screen, clicks, and ends. */
async function start(agentRuntime: AgentRuntime, script: Script): Promise<LinkClient> {
  const packs = await ensurePack(agentRuntime)
  bench = await openBench({ packs, script })
  if (agentRuntime === 'claude_code') bench.server.route('/v1', scriptedClaude(script))
  const controlPlaneUrl = `http://host.docker.internal:${bench.server.port}`
  bench.server.tokens.add('token')
  const options = ['--add-host=host.docker.internal:host-gateway', `--volume=${join(packs, agentRuntime)}:/opt/agents/${agentRuntime}:ro`]
  const change = { agentRuntime, controlPlaneUrl, token: 'token', model: agentRuntime === 'claude_code' ? 'claude-scripted' : 'scripted' }
  machine = await DesktopMachine.start({}, change, options)
  return LinkClient.dial(7070, 'link-secret', { address: machine.address })
}

test.for(['goose_code', 'claude_code'] as const)(
  '%s is given the tools of the desktop: it looks and clicks, and the conversation tells each with its frame',
  { timeout: 400_000 },
  async (runtime) => {
    const offered = new Set<string>()
    const script: Script = (messages, { tools }) => {
      if (tools.length === 0) return { say: 'A title' }
      // Claude Code names the tools of servers, and tells how one is used when it is asked.
      for (const name of [...tools, ...(JSON.stringify(messages).match(/mcp__desktop__\w+/g) ?? [])]) offered.add(name)
      if (!tools.some((tool) => tool.endsWith('desktop__click')))
        return { use: 'ToolSearch', with: { query: 'select:mcp__desktop__screenshot,mcp__desktop__click' } }
      const answers = JSON.stringify(messages)
      if (!answers.includes('Picture 1: ')) return { use: 'desktop__screenshot', with: {} }
      if (!answers.includes('Clicked left')) return { use: 'desktop__click', with: { x: 20, y: 30 } }
      return { say: 'Done.' }
    }
    const link = await start(runtime, script)
    await link.state('ready')
    link.prompt('prm_1', 'Look at the desktop.')
    expect(await link.result('prm_1')).toMatchObject({ outcome: 'end_turn' })
    const names = [...offered].filter((name) => name.includes('desktop__')).map((name) => name.split('__').at(-1))
    expect(names).toEqual(
      expect.arrayContaining(['screenshot', 'click', 'type', 'key', 'scroll', 'windows', 'clipboard', 'open', 'wait_until_still']),
    )
    const calls = link.entries().flatMap(({ payload }) => (payload.kind === 'tool' ? [payload] : []))
    const marks = calls.flatMap(({ toolCallId, desktop }) => (desktop === undefined ? [] : [{ toolCallId, ...desktop }]))
    expect(marks).toMatchObject([
      { action: 'screenshot', x: null },
      { action: 'click', x: 20, y: 30 },
    ])
    const [look] = marks
    expect(Math.abs(Date.now() * 1000 - (look?.atUs ?? 0))).toBeLessThan(300e6)
    // In the call that the agent itself reported, which holds the picture: once.
    const pictures = calls.filter(({ content }) => content?.some(({ kind }) => kind === 'image'))
    expect(pictures.map(({ toolCallId }) => toolCallId)).toEqual([look?.toolCallId])
    expect(await machine.exec('xdotool getmouselocation')).toMatch(/^x:20 y:30 /)
  },
)

test('a session whose project has no desktops gives its agent no such tools', { timeout: 400_000 }, async () => {
  const offered = new Set<string>()
  const script: Script = (_, { tools }) => {
    for (const tool of tools) offered.add(tool)
    return { say: 'Done.' }
  }
  const packs = await ensurePack('goose_code')
  bench = await openBench({ packs, script })
  const { link } = await bench.start({ session: { desktop: { enabled: false, width: 1280, height: 720, scale: 100, fps: 60 } } })
  await link.state('ready')
  link.prompt('prm_1', 'Hello.')
  expect(await link.result('prm_1')).toMatchObject({ outcome: 'end_turn' })
  expect(offered.size).toBeGreaterThan(0)
  expect([...offered].some((name) => name.includes('desktop'))).toBe(false)
})
