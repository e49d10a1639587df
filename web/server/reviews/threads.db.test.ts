import { createClient } from '@helix/contract/client'
import { listInbox } from '@helix/contract/inbox'
import { openSession, recordTurn, remindReviewers } from '@helix/contract/internal'
import {
  applySuggestions,
  askAgent,
  createComment,
  createSpecLink,
  listSpecLinks,
  readPublicSpec,
  resolveComment,
  revokeSpecLink,
  setReviewers,
} from '@helix/contract/reviews'
import type { JournalPayload } from '@helix/contract/sessions'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { clientGit, openTestFolder, type TestFolder } from '../git/testing.ts'
import { SessionStore } from '../sessions/store.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { addColleague, ReviewedTask } from './testing.ts'

let server: TestServer
let folder: TestFolder
let owner: Person
let grace: Person
let ada: Person
let stranger: Person
let reviewed: ReviewedTask

beforeAll(async () => {
  ;[server, folder] = await Promise.all([openTestServer(), openTestFolder()])
  ;[owner, stranger] = [await server.addPerson(), await server.addPerson()]
  ;[grace, ada] = [
    await addColleague(server, owner, 'reviewer', 'Grace Hopper'),
    await addColleague(server, owner, 'reviewer', 'Ada Lovelace'),
  ]
})
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  reviewed = await ReviewedTask.open(server, owner, folder.path)
})

const on = (document: 'requirements' | 'design', quote: string, offset = 0) => ({ document, quote, offset })
async function say(who: Person, body: object) {
  const revisionId = (await reviewed.spec()).revision?.id as never
  return who.call(createComment, { params: reviewed.params, body: { revisionId, body: 'Why?', ...body } })
}
const threadsIn = async (revision?: number) =>
  (await reviewed.spec(revision)).comments.map(({ place, anchor }) => [anchor?.quote, place?.state])

test('threads are followed into each revision, and back', async () => {
  await say(grace, { anchor: on('requirements', 'Greet the person.', 7) })
  await say(grace, { anchor: on('design', 'One function', 10) })
  await reviewed.push({ requirements: '# One\n\nFirst say hello.\n\nGreet the person.\n', design: '# Other\n' })
  expect(await threadsIn()).toEqual([
    ['Greet the person.', 'moved'],
    ['One function', 'gone'],
  ])
  expect(await threadsIn(1)).toEqual([
    ['Greet the person.', 'unchanged'],
    ['One function', 'unchanged'],
  ])
  await say(grace, { anchor: on('requirements', 'say hello', 13) })
  expect(await threadsIn(1)).toContainEqual(['say hello', 'gone'])
})

test('its author and the reviewers resolve a thread, others are told who may', async () => {
  const thread = await say(ada, { body: 'Why so?' })
  const resolve = (who: Person) =>
    who.call(resolveComment, { params: { ...reviewed.params, commentId: thread.id }, body: { resolved: true } })
  await owner.call(setReviewers, { params: reviewed.params, body: { userIds: [owner.userId] } })
  await expect(resolve(grace)).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('Ada Lovelace') })
  await owner.call(setReviewers, { params: reviewed.params, body: { userIds: [grace.userId] } })
  expect(await resolve(grace)).toMatchObject({ resolvedBy: 'Grace Hopper', mayResolve: true })
  await ada.call(resolveComment, { params: { ...reviewed.params, commentId: thread.id }, body: { resolved: false } })
  expect(await resolve(ada)).toMatchObject({ resolvedBy: 'Ada Lovelace' })
  await expect(owner.call(setReviewers, { params: reviewed.params, body: { userIds: [stranger.userId] } })).rejects.toMatchObject({
    code: 'invalid_request',
  })
})

test('a person who is named in a comment finds it in the inbox, once', async () => {
  await say(ada, { body: 'What do you think, @Grace Hopper? `@Ada Lovelace`' })
  const { items } = await grace.call(listInbox, { query: {} })
  expect(items.filter(({ kind, task }) => kind === 'mention' && task?.id === reviewed.task.id)).toMatchObject([
    { title: 'Ada Lovelace mentioned you' },
  ])
})

test('a mention is done for who answers in the thread, and for everyone once it is resolved', async () => {
  const open = async (who: Person) => {
    const { items } = await who.call(listInbox, { query: {} })
    return items.filter(({ kind, task }) => kind === 'mention' && task?.id === reviewed.task.id).length
  }
  const thread = await say(owner, { body: 'Is this right, @Grace Hopper and @Ada Lovelace?' })
  const before = [await open(grace), await open(ada)]
  await say(grace, { body: 'It is.', parentId: thread.id })
  expect([await open(grace), await open(ada)]).toEqual([(before[0] ?? 0) - 1, before[1]])
  await owner.call(resolveComment, { params: { ...reviewed.params, commentId: thread.id }, body: { resolved: true } })
  expect(await open(ada)).toBe((before[1] ?? 0) - 1)
})

test('reviewers are reminded three times and each time later, and once whatever is tried again', async () => {
  await reviewed.rules({ reviewReminderHours: 2 })
  const remind = (count: number, step = 1) => server.worker(remindReviewers, { params: reviewed.params, body: { step, count } })
  const hours = async (count: number) => ((await remind(count)).nextInMs ?? 0) / 3_600_000
  expect([await hours(0), await hours(1), await hours(1), await hours(2), await hours(3)]).toEqual([2, 4, 4, 8, 0])
  const { items } = await owner.call(listInbox, { query: {} })
  expect(items.find(({ kind, task }) => kind === 'spec_review' && task?.id === reviewed.task.id)?.reminders).toBe(3)
  expect(await remind(1, 7)).toEqual({ nextInMs: null })
  await reviewed.rules({ reviewReminderHours: 0 })
  expect(await remind(0)).toEqual({ nextInMs: null })
})

test('suggestions become one commit under the name of who applies them, and their threads are resolved', async () => {
  const first = await say(ada, { anchor: on('requirements', 'the person', 13), suggestion: 'everybody', body: '' })
  const second = await say(ada, { anchor: on('design', 'One function', 10), suggestion: 'Two functions' })
  const revisionId = (await reviewed.spec()).revision?.id as never
  const body = { revisionId, commentIds: [first.id, second.id] }
  const { revision } = await grace.call(applySuggestions, { params: reviewed.params, body })
  expect(revision.number).toBe(2)
  const { documents, comments } = await reviewed.spec()
  expect([documents.requirements, documents.design]).toEqual(['# One\n\nGreet everybody.\n', '# Design\n\nTwo functions.\n'])
  expect(comments).toMatchObject([
    { appliedCommit: revision.commit, resolvedBy: 'Grace Hopper' },
    { appliedCommit: revision.commit, resolvedBy: 'Grace Hopper' },
  ])
  const { gitStorage } = server.context
  const gitDir = gitStorage.folderOf({ orgId: owner.orgId, repositoryId: reviewed.project.repositories[0]?.id as never })
  expect(await clientGit(gitDir, 'log', '-1', '--format=%an <%ae> %s', revision.commit)).toBe(
    `Grace Hopper <${grace.userId}@example.com> Spec of #1: apply 2 suggestions of Ada Lovelace`,
  )
  await expect(
    grace.call(applySuggestions, { params: reviewed.params, body: { ...body, revisionId: revision.id as never } }),
  ).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('applied already'),
  })
})

test('of two people who apply at once to the same text one is told, and nothing is lost', async () => {
  const first = await say(ada, { anchor: on('requirements', 'the person', 13), suggestion: 'everybody' })
  const second = await say(grace, { anchor: on('requirements', 'Greet', 7), suggestion: 'Welcome' })
  const revisionId = (await reviewed.spec()).revision?.id as never
  const apply = (who: Person, id: typeof first.id) =>
    who.call(applySuggestions, { params: reviewed.params, body: { revisionId, commentIds: [id] } }).then(
      () => 'applied',
      (error) => error.code,
    )
  expect((await Promise.all([apply(ada, first.id), apply(grace, second.id)])).sort()).toEqual(['applied', 'revision_outdated'])
  expect((await reviewed.spec()).revisions).toHaveLength(2)
})

test('suggestions that touch each other, whose text changed, or that come late are refused with the reason', async () => {
  const whole = await say(ada, { anchor: on('requirements', 'Greet the person', 7), suggestion: 'Say hello' })
  const part = await say(ada, { anchor: on('requirements', 'the person', 13), suggestion: 'everybody' })
  const older = (await reviewed.spec()).revision?.id as never
  const apply = (revisionId: never, ...commentIds: (typeof whole.id)[]) =>
    ada.call(applySuggestions, { params: reviewed.params, body: { revisionId, commentIds } })
  await expect(apply(older, whole.id, part.id)).rejects.toMatchObject({ message: expect.stringContaining('change the same text') })
  await reviewed.push({ requirements: '# One\n\nGreet nobody at all.\n' })
  await expect(apply(older, part.id)).rejects.toMatchObject({ code: 'revision_outdated' })
  const newest = (await reviewed.spec()).revision?.id as never
  await expect(apply(newest, part.id)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('gone in revision 2') })
  await expect(say(ada, { suggestion: 'x' })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('suggestion'),
  })
})

test('a public link shows the newest documents and nothing else, until it is ended, expires or is forbidden', async () => {
  const make = (who: Person) => who.call(createSpecLink, { params: reviewed.params, body: { expiresInDays: 1 } })
  await expect(make(grace)).rejects.toMatchObject({ code: 'conflict' })
  await reviewed.rules({ publicLinks: true })
  await expect(make(stranger)).rejects.toMatchObject({ code: 'not_found' })
  await say(ada, { body: 'A secret remark' })
  const anybody = createClient({ baseUrl: server.url })
  const open = (url: string) => anybody(readPublicSpec, { body: { token: url.slice(url.lastIndexOf('/') + 1) } })
  const [link, other] = [await make(grace), await make(grace)]
  expect(link.url).toMatch(/\/s\/[\w-]{43}$/)
  await reviewed.push({ design: '# Design\n\nTwo functions.\n' })
  const shown = await open(link.url)
  expect([shown.revision.number, shown.documents.design]).toEqual([2, '# Design\n\nTwo functions.\n'])
  expect(JSON.stringify(shown)).not.toMatch(/secret|Ada|Grace|usr_|tsk_|rev_/)
  expect(JSON.stringify(await server.context.db('spec_links').select())).not.toContain(link.url.slice(-43))
  await grace.call(revokeSpecLink, { params: { ...reviewed.params, linkId: link.id } })
  await expect(open(link.url)).rejects.toMatchObject({ code: 'not_found' })
  expect((await grace.call(listSpecLinks, { params: reviewed.params })).items.map(({ id }) => id)).toEqual([other.id])
  await reviewed.rules({ publicLinks: false })
  await expect(open(other.url)).rejects.toMatchObject({ code: 'not_found' })
  await reviewed.rules({ publicLinks: true })
  await open(other.url)
  await server.context.db('spec_links').update({ expires_at: new Date(0) })
  await expect(open(other.url)).rejects.toMatchObject({ code: 'not_found' })
  await expect(open('/nothing')).rejects.toMatchObject({ code: 'not_found' })
})

test('a question goes to the agent once, waits in the thread, and is answered by the last words of its turn, once', async () => {
  const thread = await say(ada, { anchor: on('requirements', 'the person', 13), body: 'Which person?' })
  const ask = () => ada.call(askAgent, { params: { ...reviewed.params, commentId: thread.id } })
  await expect(ask()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('no agent') })
  const { sessionId } = await server.worker(openSession, { params: reviewed.params, body: { key: 'k' } })
  const { promptId } = await ask()
  await expect(ask()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('already') })
  const stored = await server.context.db('prompts').where({ id: promptId }).first()
  expect(stored.text).toContain('> the person')
  expect(stored.text).toContain('Ada Lovelace: Which person?')

  const sessions = new SessionStore(server.context.db)
  let sequence = 0
  const journal = async (...payloads: JournalPayload[]) => {
    const row = await sessions.rowOf(sessionId)
    if (row === null) throw new Error('no session')
    await sessions.append(
      row,
      payloads.map((payload) => ({ sequence: ++sequence, at: new Date().toISOString(), payload })),
    )
  }
  const turn = (state: 'running' | 'ended') =>
    server.worker(recordTurn, { params: { sessionId }, body: { promptId, state, outcome: state === 'ended' ? 'end_turn' : null } })
  const replies = async () => (await reviewed.spec()).comments.filter(({ parentId }) => parentId === thread.id)
  await turn('running')
  await journal(
    { kind: 'prompt', promptId, origin: 'person', author: 'Ada', text: 'x' },
    { kind: 'chunk', messageId: 'm1', role: 'agent', text: 'Let me look.' },
    { kind: 'chunk', messageId: 'm2', role: 'agent', text: 'Whoever ' },
    { kind: 'chunk', messageId: 'm2', role: 'agent', text: 'is named.' },
  )
  // The worker may hear of the end before the journal has come.
  await turn('ended')
  expect(await replies()).toEqual([])
  await journal({ kind: 'turn_end', promptId, outcome: 'end_turn', message: null })
  await turn('ended')
  expect(await replies()).toMatchObject([{ body: 'Whoever is named.', author: { kind: 'agent' } }])
  expect((await reviewed.spec()).questions).toMatchObject([{ promptId, state: 'answered' }])
  expect((await ask()).state).toBe('waiting')
})

test('a question whose turn failed says so in the thread and can be asked again', async () => {
  const thread = await say(ada, {})
  const { sessionId } = await server.worker(openSession, { params: reviewed.params, body: { key: 'k' } })
  const ask = () => ada.call(askAgent, { params: { ...reviewed.params, commentId: thread.id } })
  const { promptId } = await ask()
  await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'failed', outcome: 'The provider refused the key' } })
  expect((await reviewed.spec()).questions).toMatchObject([{ state: 'failed', problem: 'The provider refused the key' }])
  await ask()
})
