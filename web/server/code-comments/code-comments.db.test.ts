import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createCodeComment, deleteCodeComment, listCodeComments, resolveCodeComment, sendCodeComments } from '@helix/contract/code-comments'
import { openSession, preparePrompt } from '@helix/contract/internal'
import { getRepository } from '@helix/contract/repositories'
import { requestImplementationChanges } from '@helix/contract/task-moves'
import { getTask, type Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let task: Task
let clone: string

const git = async (...args: string[]): Promise<string> => {
  const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.com']
  return (await promisify(execFile)('git', ['-C', clone, ...identity, ...args])).stdout.trim()
}

async function push(text: string): Promise<string> {
  writeFileSync(join(clone, 'a.ts'), text)
  await git('add', '.')
  await git('commit', '-m', 'change')
  await git('push', 'origin', `HEAD:${task.branch}`)
  const commit = await git('rev-parse', 'HEAD')
  await expect.poll(async () => (await person.call(getTask, { params: { taskId: task.id } })).branchCommit).toBe(commit)
  return commit
}

beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  const project = await addProject(person)
  task = await addTask(person, project)
  const { clonePath } = await person.call(getRepository, { params: { repositoryId: project.repositories[0]?.id ?? ('' as never) } })
  clone = mkdtempSync(join(tmpdir(), 'helix-code-'))
  await git('clone', `${server.url.replace('://', `://helix:${person.apiKey}@`)}${clonePath}`, '.')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(clone, { recursive: true, force: true })
})

test('a comment on a line follows it, becomes outdated with it, and goes to the agent with file, line and quote', async () => {
  const params = { taskId: task.id }
  const commit = await push('const a = 1\nconst b = 2\n')
  const where = { commit, path: 'a.ts', side: 'after' as const, line: 2, quote: 'const b = 2' }
  const comment = await person.call(createCodeComment, { params, body: { ...where, body: 'Why two?' } })
  expect(comment).toMatchObject({ place: 'current', currentLine: 2, author: { name: 'Test Person' } })
  await expect(person.call(createCodeComment, { params, body: { ...where, commit: 'f'.repeat(40), body: 'x' } })).rejects.toMatchObject({
    code: 'invalid_request',
  })
  await push('// first\nconst a = 1\nconst b = 2\n')
  const list = async () => (await person.call(listCodeComments, { params })).items
  expect(await list()).toMatchObject([{ place: 'moved', currentLine: 3 }])
  await push('const a = 1\n')
  expect(await list()).toMatchObject([{ place: 'outdated', currentLine: null, sentAt: null }])

  await server.worker(openSession, { params, body: { key: 'k' } })
  await writeStep(server, task.id, 1, 'backlog', 'implementation_review')
  const { promptId } = await server.worker(preparePrompt, { params, body: { key: 'p', kind: 'revise_implementation', note: '' } })
  const row = await server.context.db('prompts').where({ id: promptId }).first('text')
  expect(row.text).toContain('- a.ts:2, on `const b = 2`, Test Person says: Why two?')
  expect(await list()).toMatchObject([{ sentAt: expect.any(String) }])
})

test('a request for changes says something: in its note, or in an open comment', async () => {
  const params = { taskId: task.id }
  const request = () => person.call(requestImplementationChanges, { params, body: { note: ' ' } })
  await expect(request()).rejects.toMatchObject({ code: 'invalid_request', details: { fields: { note: expect.any(String) } } })
  const commit = await git('rev-parse', 'HEAD')
  const file = { commit, path: 'a.ts', side: 'after' as const, line: null, quote: null }
  const comment = await person.call(createCodeComment, { params, body: { ...file, body: 'Too long' } })
  await request()
  await person.call(sendCodeComments, { params, body: { commentIds: [comment.id] } })
  expect(await server.context.db('prompts').where({ task_id: task.id, kind: 'person' }).first('text')).toEqual({
    text: 'Comments on the changes:\n- a.ts, Test Person says: Too long',
  })
  const of = { params: { ...params, codeCommentId: comment.id } }
  await expect(person.call(deleteCodeComment, of)).rejects.toMatchObject({ code: 'conflict' })
  expect(await person.call(resolveCodeComment, { ...of, body: { resolved: true } })).toMatchObject({ resolvedAt: expect.any(String) })
})
