import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionUpdate } from '@agentclientprotocol/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Redactor } from '../redactor.ts'
import { startUpCall } from './history.ts'
import { Journal } from './journal.ts'
import { Recorder } from './recorder.ts'

let folder: string
let journal: Journal
let recorder: Recorder
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helix-recorder-'))
  journal = await Journal.open(join(folder, 'journal.jsonl'))
  recorder = new Recorder(journal)
})
afterEach(() => rmSync(folder, { recursive: true }))

const words = (text: string): SessionUpdate => ({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } })
const payloads = async () => (await journal.readAfter(0, 200)).map(({ payload }) => payload)

test('a tool call keeps its place between the words around it', async () => {
  recorder.record(words('Before.'))
  recorder.record({
    sessionUpdate: 'tool_call',
    toolCallId: 'c',
    title: 'ls',
    kind: 'execute',
    status: 'pending',
    rawInput: { command: 'ls -la' },
  })
  recorder.record({ sessionUpdate: 'tool_call_update', toolCallId: 'c', status: 'in_progress' })
  recorder.record({ sessionUpdate: 'tool_call_update', toolCallId: 'c', status: 'in_progress' })
  recorder.record({ sessionUpdate: 'tool_call_update', toolCallId: 'c' })
  recorder.record({
    sessionUpdate: 'tool_call_update',
    toolCallId: 'c',
    status: 'completed',
    content: [
      { type: 'content', content: { type: 'text', text: 'README.md' } },
      { type: 'diff', path: '/a', oldText: null, newText: 'new' },
    ],
  })
  recorder.record(words('After.'))
  recorder.endTurn()
  expect(await payloads()).toMatchObject([
    { kind: 'chunk', text: 'Before.' },
    { kind: 'tool', toolCallId: '1.c', title: 'ls', toolKind: 'execute', status: 'pending', content: [{ kind: 'text', text: 'ls -la' }] },
    { kind: 'tool', toolCallId: '1.c', status: 'in_progress' },
    {
      kind: 'tool',
      toolCallId: '1.c',
      status: 'completed',
      content: [
        { kind: 'terminal', output: 'README.md', exitCode: null },
        { kind: 'diff', path: '/a', before: null, after: 'new' },
      ],
    },
    { kind: 'chunk', text: 'After.' },
  ])
})

test('ids that a model uses again are new calls, in one turn and in the next', async () => {
  const call = (): void => {
    recorder.record({ sessionUpdate: 'tool_call', toolCallId: 'call_1', title: 'x' })
    recorder.record({ sessionUpdate: 'tool_call_update', toolCallId: 'call_1', status: 'completed' })
  }
  call()
  call()
  recorder.endTurn()
  call()
  const ids = (await payloads()).map((payload) => payload.kind === 'tool' && payload.toolCallId)
  expect(ids).toEqual(['1.call_1', '1.call_1', '3.call_1', '3.call_1', '5.call_1', '5.call_1'])
})

test('a plan is kept, once; modes, commands and usage are not', async () => {
  const plan: SessionUpdate = { sessionUpdate: 'plan', entries: [{ content: 'Look', priority: 'high', status: 'pending' }] }
  recorder.record(plan)
  recorder.record(plan)
  recorder.record({ sessionUpdate: 'current_mode_update', currentModeId: 'auto' })
  recorder.record({ sessionUpdate: 'available_commands_update', availableCommands: [] })
  expect(await payloads()).toEqual([{ kind: 'plan', entries: [{ content: 'Look', priority: 'high', status: 'pending' }] }])
})

test('output without end is cut to 64 KiB a piece, and says how much is missing', async () => {
  const text = 'x'.repeat(1_000_000)
  recorder.record({
    sessionUpdate: 'tool_call',
    toolCallId: 'c',
    title: 'cat',
    content: [{ type: 'content', content: { type: 'text', text } }],
  })
  const [entry] = await payloads()
  const content = entry?.kind === 'tool' ? entry.content : undefined
  expect(JSON.stringify(content).length).toBeLessThan(70_000)
  expect(JSON.stringify(content)).toContain('934464 more characters')
})

test('a journal that cannot be written fails the end of the turn, not the middle', async () => {
  journal.close()
  recorder.record(words('lost'))
  recorder.record({ sessionUpdate: 'tool_call', toolCallId: 'c', title: 'x' })
  expect(() => recorder.endTurn()).toThrow(/EBADF/)
  expect(() => recorder.endTurn()).not.toThrow()
})

test('a secret never reaches the journal, though the agent sends it in pieces', async () => {
  recorder = new Recorder(journal, new Redactor([{ name: 'NPM_TOKEN', value: 'npm_0123456789' }]))
  for (const piece of ['The token is npm', '_01234', '56789, see', '.']) {
    recorder.record(words(piece))
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  recorder.record({ sessionUpdate: 'tool_call', toolCallId: 'c', title: 'echo npm_0123456789', rawOutput: { out: 'npm_0123456789' } })
  recorder.notice('npm_0123456789')
  recorder.endTurn()
  const written = await payloads()
  expect(JSON.stringify(written)).not.toContain('npm_0')
  const said = written.flatMap((payload) => (payload.kind === 'chunk' ? [payload.text] : [])).join('')
  expect(said).toBe('The token is [NPM_TOKEN], see.')
  expect(written.at(-1)).toEqual({ kind: 'notice', text: '[NPM_TOKEN]' })
})

test('a start-up script between a prompt and its answer is no answer of the agent', async () => {
  journal.append({ kind: 'prompt', promptId: 'p', origin: 'workflow', author: null, text: 'Go' })
  recorder.event({ kind: 'tool', toolCallId: `${startUpCall}2`, title: 'Start-up script', status: 'completed' })
  expect(journal.find('p')?.answered).toBe(false)
})

test('what a call did to the desktop is written into that call, by the agent’s own id or the oldest that names the tool', async () => {
  const call = (toolCallId: string, title: string): SessionUpdate => ({ sessionUpdate: 'tool_call', toolCallId, title, status: 'pending' })
  const action = (name: string) => ({ action: name, x: 3, y: 4, sequence: 9, atUs: 1 })
  recorder.record(call('a', 'mcp__desktop__click'))
  recorder.record(call('b', 'desktop: click'))
  recorder.record(call('c', 'Desktop · Wait Until Still'))
  expect(recorder.markDesktop(action('click'), 'b')).toBe(true)
  expect(recorder.markDesktop(action('click'), null)).toBe(true)
  expect(recorder.markDesktop(action('wait_until_still'), 'unknown')).toBe(true)
  // Each call once.
  expect(recorder.markDesktop(action('click'), null)).toBe(false)
  recorder.desktopCall(action('click'), 'Clicked.')
  recorder.endTurn()
  const marks = (await payloads()).filter((payload) => payload.kind === 'tool' && payload.desktop !== undefined)
  expect(marks).toMatchObject([
    { toolCallId: '2.b', desktop: { action: 'click', x: 3, y: 4, sequence: 9 } },
    { toolCallId: '1.a' },
    { toolCallId: '3.c' },
    { toolCallId: '7.desktop', title: 'desktop: click', status: 'completed', content: [{ kind: 'text', text: 'Clicked.' }] },
  ])
})
