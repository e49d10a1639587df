import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { getRepository } from '@helix/contract/repositories'
import { createComment, getSpec, resolveComment } from '@helix/contract/reviews'
import { approveImplementation, approveSpec } from '@helix/contract/task-moves'
import { getChanges } from '@helix/contract/task-work'
import { getTask, type Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientGit, commitFiles, openTestFolder, type TestFolder } from '../git/testing.ts'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let folder: TestFolder
let task: Task
let clone: string

beforeAll(async () => {
  ;[server, folder] = [await openTestServer(), await openTestFolder()]
  person = await server.addPerson()
  const project = await addProject(person)
  task = await addTask(person, project)
  const repository = await person.call(getRepository, { params: { repositoryId: project.repositories[0]?.id as never } })
  const remote = `${server.url.replace('://', `://helix:${person.apiKey}@`)}${repository.clonePath}`
  await clientGit(folder.path, 'clone', '-q', remote, 'work')
  clone = join(folder.path, 'work')
})
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Writes the spec's documents and pushes them, as an agent does. */
async function pushSpec(documents: Record<string, string>, into = task.specFolder): Promise<string> {
  const specs = join(clone, into)
  await clientGit(clone, 'checkout', '-q', '-B', 'helix-specs')
  await mkdir(specs, { recursive: true })
  const files = Object.fromEntries(Object.entries(documents).map(([name, text]) => [join(into, `${name}.md`), text]))
  const commit = await commitFiles(clone, files, 'specs')
  await clientGit(clone, 'push', '-q', 'origin', 'helix-specs')
  return commit
}

const params = () => ({ taskId: task.id })
const spec = (revision?: number) => person.call(getSpec, { params: params(), query: { revision } })

test('each push that touches the task’s folder is a revision, and others are not', async () => {
  expect((await spec()).revision).toBe(null)
  const first = await pushSpec({ requirements: '# One\n\nGreet the person.\n', design: '# D\n', tasks: '- [x] a\n- [ ] b\n' })
  await pushSpec({ requirements: 'elsewhere' }, 'design/tasks/000099_other')
  const second = await pushSpec({ requirements: '# Two\n\nGreet everybody.\n' })
  const { revisions, documents } = await spec()
  expect(revisions.map(({ number, commit }) => [number, commit])).toEqual([
    [2, second],
    [1, first],
  ])
  expect(documents).toEqual({ requirements: '# Two\n\nGreet everybody.\n', design: '# D\n', tasks: '- [x] a\n- [ ] b\n' })
  expect((await spec(1)).documents.requirements).toContain('Greet the person')
  expect((await person.call(getTask, { params: params() })).progress).toEqual({ done: 1, total: 2 })
  await expect(spec(9)).rejects.toMatchObject({ code: 'not_found', message: 'There is no revision 9.' })
})

test('an approval of an older revision is refused and names the newer one, before any worker is asked', async () => {
  await writeStep(server, task.id, 1, 'backlog', 'spec_review')
  const { revisions } = await spec()
  const [newest, older] = revisions
  const asked = server.context.recorded.requests.length
  const refused = person.call(approveSpec, { params: params(), body: { commit: older?.commit ?? '' } })
  await expect(refused).rejects.toMatchObject({
    status: 409,
    code: 'revision_outdated',
    message: `Revision 2 (${newest?.commit.slice(0, 9)}) is newer than ${older?.commit.slice(0, 9)}: read it first.`,
  })
  expect(server.context.recorded.requests).toHaveLength(asked)
  await person.call(approveSpec, { params: params(), body: { commit: newest?.commit ?? '' } })
  expect(server.context.recorded.requests.at(-1)).toMatchObject({ action: 'approve_spec', commit: newest?.commit, actorId: person.userId })
})

test('a push between the look and the decision makes the decision void under the row’s lock', async () => {
  const seen = (await spec()).revisions[0]?.commit ?? ''
  await pushSpec({ requirements: '# Three\n' })
  const review = { verdict: 'approved' as const, commit: seen, note: '' }
  const late = await writeStep(server, task.id, 2, 'spec_review', 'queued_implementation', {
    expectSpecCommit: seen,
    review,
    actorId: person.userId,
  })
  expect(late).toMatchObject({ outcome: 'revision_outdated', reason: expect.stringContaining('Revision 3') })
  expect((await person.call(getTask, { params: params() })).status).toBe('spec_review')
})

test('a comment stands on text of its revision, is told once to the agent, and is closed by people', async () => {
  const [revision] = (await spec()).revisions
  const revisionId = revision?.id as never
  const comment = (quote: string) =>
    person.call(createComment, {
      params: params(),
      body: { revisionId, anchor: { document: 'requirements', quote, offset: 2 }, body: 'Why three?' },
    })
  await expect(comment('not there')).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('anchor.quote') })
  const made = await comment('Three')
  expect(made).toMatchObject({ revisionNumber: 3, resolvedAt: null, sentAt: null, author: { kind: 'person', name: 'Test Person' } })
  const review = { verdict: 'changes_requested' as const, commit: revision?.commit ?? '', note: 'See the comment' }
  await writeStep(server, task.id, 2, 'spec_review', 'planning', { review, actorId: person.userId })
  const [told] = (await spec()).comments
  expect(told?.sentAt).not.toBe(null)
  const resolve = (resolved: boolean) => person.call(resolveComment, { params: { ...params(), commentId: made.id }, body: { resolved } })
  expect((await resolve(true)).resolvedAt).not.toBe(null)
  expect((await resolve(false)).resolvedAt).toBe(null)
  expect((await spec()).reviews).toMatchObject([{ verdict: 'changes_requested', note: 'See the comment' }])
})

test('the changes of a branch are shown, and an approval binds to its commit', async () => {
  await clientGit(clone, 'checkout', '-q', '-B', task.branch, 'origin/main')
  const first = await commitFiles(clone, { 'greeting.txt': 'hello\n' }, 'Add a greeting')
  await clientGit(clone, 'push', '-q', 'origin', `HEAD:${task.branch}`)
  const changes = await person.call(getChanges, { params: params() })
  expect(changes.files.map(({ path, kind, additions }) => [path, kind, additions])).toEqual([['greeting.txt', 'added', 1]])
  expect(changes).toMatchObject({ head: first, commits: [{ subject: 'Add a greeting' }] })
  await writeStep(server, task.id, 3, 'planning', 'implementation_review')
  const second = await commitFiles(clone, { 'greeting.txt': 'hello you\n' }, 'Greet somebody')
  await clientGit(clone, 'push', '-q', 'origin', `HEAD:${task.branch}`)
  const approve = (commit: string) => person.call(approveImplementation, { params: params(), body: { commit } })
  await expect(approve(first)).rejects.toMatchObject({
    status: 409,
    code: 'branch_moved',
    message: expect.stringContaining(second.slice(0, 9)),
  })
  await approve(second)
})
