import type { JournalPayload } from '@helix/contract/sessions'
import { beforeEach, expect, test } from 'vitest'
import { Permissions, type Question } from './permissions.ts'

let written: JournalPayload[]
let notices: string[]
let known: Map<string, 'open' | 'ended'>

const open = (mode: 'allow' | 'ask') =>
  new Permissions({
    mode,
    promptId: () => 'prm_1',
    write: (payload) => {
      written.push(payload)
      if (payload.kind === 'permission') known.set(payload.requestId, 'open')
      if (payload.kind === 'permission_end') known.set(payload.requestId, 'ended')
    },
    find: (id) => known.get(id),
    notice: (text) => notices.push(text),
  })

const question: Question = {
  title: 'rm -rf build',
  tool: 'execute',
  options: [
    { id: 'always', name: 'Always', kind: 'allow_always' },
    { id: 'once', name: 'Once', kind: 'allow_once' },
    { id: 'no', name: 'No', kind: 'reject_once' },
  ],
}
const asked = (): string => {
  const entry = written.find(({ kind }) => kind === 'permission')
  if (entry?.kind !== 'permission') throw new Error('nothing was asked')
  return entry.requestId
}

beforeEach(() => {
  written = []
  notices = []
  known = new Map()
})

test('where agents are allowed all, once is chosen rather than always, and it is noted', async () => {
  expect(await open('allow').ask(question)).toBe('once')
  expect([written, notices]).toEqual([[], ['Allowed: rm -rf build']])
})

test('where people are asked, the agent waits for the answer, and a second one changes nothing', async () => {
  const permissions = open('ask')
  const chosen = permissions.ask(question)
  expect(written).toMatchObject([{ kind: 'permission', promptId: 'prm_1', title: 'rm -rf build', tool: 'execute' }])
  permissions.answer({ requestId: asked(), optionId: 'no', answeredBy: 'Ada' })
  permissions.answer({ requestId: asked(), optionId: 'once', answeredBy: 'Grace' })
  expect(await chosen).toBe('no')
  expect(written.slice(1)).toMatchObject([{ kind: 'permission_end', outcome: 'selected', optionId: 'no', answeredBy: 'Ada' }])
})

test('a cancelled turn cancels what it asked', async () => {
  const permissions = open('ask')
  const chosen = permissions.ask(question)
  permissions.cancelAll()
  expect(await chosen).toBeNull()
  expect(written.at(-1)).toMatchObject({ outcome: 'cancelled' })
})

test('an agent that is gone gets no answer: its request is void, and so is an answer that comes later', async () => {
  const permissions = open('ask')
  const chosen = permissions.ask(question)
  permissions.voidAll(['of-an-earlier-start'])
  expect(await chosen).toBeNull()
  expect(written.slice(1)).toMatchObject([
    { requestId: asked(), outcome: 'void' },
    { requestId: 'of-an-earlier-start', outcome: 'void' },
  ])
  permissions.answer({ requestId: asked(), optionId: 'once', answeredBy: 'Ada' })
  expect(written).toHaveLength(3)
})

const form = {
  message: 'Which port?',
  fields: [
    { type: 'text' as const, name: 'port', title: '', description: '', required: false, initial: null, minLength: null, maxLength: null },
  ],
}

test.each(['allow', 'ask'] as const)(
  'a question waits for a person where agents may %s, and is answered with what they filled in',
  async (mode) => {
    const permissions = open(mode)
    const given = permissions.elicit(form)
    expect(written).toMatchObject([{ kind: 'permission', title: 'Which port?', tool: 'question', fields: form.fields }])
    permissions.answer({ requestId: asked(), optionId: 'answer', answeredBy: 'Ada', values: { port: '80' } })
    expect(await given).toEqual({ port: '80' })
    expect(written.at(-1)).toMatchObject({ outcome: 'selected', optionId: 'answer', answeredBy: 'Ada', values: { port: '80' } })
  },
)

test('a question may be declined, and is over with its turn', async () => {
  const permissions = open('allow')
  const declined = permissions.elicit(form)
  permissions.answer({ requestId: asked(), optionId: 'decline', answeredBy: 'Ada' })
  expect(await declined).toBeNull()
  const over = permissions.elicit(form)
  permissions.cancelAll()
  expect(await over).toBe('over')
})

test('an answer to a request that no journal knows is told to be void, so that nobody sends it for ever', () => {
  open('ask').answer({ requestId: 'lost-with-its-volume', optionId: 'once', answeredBy: 'Ada' })
  expect(written).toMatchObject([{ kind: 'permission_end', requestId: 'lost-with-its-volume', outcome: 'void' }])
})
