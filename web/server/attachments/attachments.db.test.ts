import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Attachment, addAttachment, removeAttachment } from '@helix/contract/attachments'
import type { Project } from '@helix/contract/projects'
import { getTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProject, addTask } from '../internal/testing.ts'
import { deletionStore } from '../projects/deletion/store.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { AttachmentDisk } from './disk.ts'
import { AttachmentStore } from './store.ts'

let server: TestServer
let person: Person
let project: Project
let store: AttachmentStore
let disk: AttachmentDisk
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  project = await addProject(person)
  store = new AttachmentStore(server.context.db)
  disk = new AttachmentDisk(server.context.config.HELIX_DATA_DIR)
})
afterAll(() => server[Symbol.asyncDispose]())

const token = () => ({ authorization: `Bearer ${person.apiKey}` })
async function upload(content: Buffer, { into = project, name = 'a.jpg' } = {}): Promise<Attachment> {
  const url = `${server.url}/api/v1/projects/${into.id}/attachments`
  const headers = { ...token(), 'x-file-name': encodeURIComponent(name) }
  const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(content) })
  if (!response.ok) throw new Error(((await response.json()) as { error: { code: string } }).error.code)
  return (await response.json()) as Attachment
}
const get = ({ url }: Attachment) => fetch(`${server.url}${url}`, { headers: token() })
/** Every file that lies on disk for the organisation, also unfinished ones. */
function stored(): string[] {
  const folder = join(server.context.config.HELIX_DATA_DIR, 'attachments', person.orgId)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((one) => (one.isFile() ? [one.name] : []))
}
const age = ({ id }: Attachment) =>
  server.context
    .db('attachments')
    .where({ id })
    .update({ created_at: new Date(Date.now() - 2 * 86_400_000) })

const segment = (marker: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length + 2)
  bytes.set([0xff, marker])
  bytes.writeUInt16BE(length, 2)
  return bytes
}
const size = (width: number, height: number): Buffer => {
  const bytes = segment(0xc2, 17)
  bytes[4] = 8
  bytes.writeUInt16BE(height, 5)
  bytes.writeUInt16BE(width, 7)
  return bytes
}
const jpeg = (...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8]), ...parts])
const profiles = Array.from({ length: 20 }, () => segment(0xe2, 65_000))

test('a JPEG cannot hide its size behind profiles, fill bytes or by not saying it; nothing of what is refused stays', async () => {
  const before = stored()
  await expect(upload(jpeg(...profiles, size(30_000, 30_000)))).rejects.toThrow('too_large')
  await expect(upload(jpeg(segment(0xe0, 16), Buffer.alloc(64, 0xff), size(30_000, 30_000)))).rejects.toThrow('too_large')
  await expect(upload(Buffer.alloc(0))).rejects.toThrow('invalid_request')
  await expect(upload(Buffer.alloc(25 * 1024 * 1024 + 1, 1))).rejects.toThrow('too_large')
  expect(stored()).toEqual(before)
  expect((await upload(jpeg(...profiles, size(1000, 800)))).type).toBe('image/jpeg')
  expect((await upload(jpeg(segment(0xe0, 16), Buffer.from('no marker here'), size(30_000, 30_000)))).type).toBe('application/octet-stream')
  expect((await upload(jpeg(size(30_000, 0)))).type).toBe('application/octet-stream')
  expect((await upload(jpeg(...Array.from({ length: 600 }, () => segment(0xe1, 2)), size(30_000, 30_000)))).type).toBe(
    'application/octet-stream',
  )
})

test('a file that is two things at once is never given to a browser as the one that runs', async () => {
  const script = '<script>alert(1)</script>'
  const png = Buffer.alloc(64)
  png.write('\x89PNG\r\n\x1a\n', 'latin1')
  png.writeUInt32BE(10, 16)
  png.writeUInt32BE(10, 20)
  const files: [string, Buffer, string][] = [
    ['script.js', Buffer.from('GIF89a\x0a\x00\x0a\x00=1;alert(1)//padding-to-be-long', 'latin1'), 'image/gif'],
    ['page.html', Buffer.concat([png, Buffer.from(`<html>${script}`)]), 'image/png'],
    ['both.pdf', Buffer.from(`%PDF-1.7\n${script}`), 'application/pdf'],
    ['app.jar', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from(script)]), 'application/zip'],
    ['words.txt', Buffer.from(`words first ${script}`), 'text/plain'],
    ['picture.svg', Buffer.from(`<?xml version="1.0"?><svg>${script}</svg>`), 'application/octet-stream'],
  ]
  for (const [name, content, type] of files) {
    const answer = await get(await upload(content, { name }))
    expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type === 'application/zip' ? 'application/octet-stream' : type)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(content)
  }
})

test('a file is put on a task and taken off it, and boards are told; one of another project, or on another task, is not', async () => {
  const task = await addTask(person, project)
  const [file, foreign] = [await upload(Buffer.from('later')), await upload(Buffer.from('other'), { into: await addProject(person) })]
  const params = { taskId: task.id, attachmentId: file.id }
  const { db } = server.context
  const told = async (): Promise<number> =>
    (await db('events').where({ org_id: person.orgId })).filter(
      ({ payload }) => payload.type === 'task.changed' && payload.taskId === task.id,
    ).length
  await person.call(addAttachment, { params })
  await person.call(addAttachment, { params })
  expect((await person.call(getTask, { params })).attachments).toMatchObject([{ id: file.id }])
  const before = await told()
  expect(before).toBeGreaterThan(0)
  await expect(person.call(addAttachment, { params: { ...params, attachmentId: foreign.id } })).rejects.toMatchObject({ code: 'not_found' })
  const other = await addTask(person, project)
  await expect(person.call(addAttachment, { params: { ...params, taskId: other.id } })).rejects.toMatchObject({ code: 'not_found' })
  await person.call(removeAttachment, { params })
  expect((await person.call(getTask, { params })).attachmentCount).toBe(0)
  expect(await told()).toBe(before + 1)
  await expect(person.call(removeAttachment, { params })).rejects.toMatchObject({ code: 'not_found' })
})

const collect = (): Promise<number> => store.collect((orgId, sha256) => disk.remove(orgId, sha256))

test('bytes go when nothing wants them for a day: not while a task has them, nor another upload of the same', async () => {
  const [loose, kept, twice] = [await upload(Buffer.from('loose')), await upload(Buffer.from('kept')), await upload(Buffer.from('twice'))]
  await addTask(person, project, { attachmentIds: [kept.id] })
  const again = await upload(Buffer.from('twice'))
  await Promise.all([age(loose), age(kept), age(twice)])
  const before = stored()
  expect(await collect()).toBe(1)
  expect(stored()).toHaveLength(before.length - 1)
  expect((await get(loose)).status).toBe(404)
  expect((await get(twice)).status).toBe(404)
  expect(await (await get(kept)).text()).toBe('kept')
  expect(await (await get(again)).text()).toBe('twice')
  expect(await collect()).toBe(0)
})

test('the files of a deleted project go with it once nobody can restore it, and before its rows', async () => {
  const { db } = server.context
  const gone = await addProject(person)
  const file = await upload(Buffer.from('of a deleted project'), { into: gone })
  await addTask(person, gone, { attachmentIds: [file.id] })
  const days = (count: number) =>
    db('projects')
      .where({ id: gone.id })
      .update({ deleted_at: new Date(Date.now() - count * 24 * 3600 * 1000) })
  await days(29)
  expect([await collect(), await deletionStore.purge(db)]).toEqual([0, 0])
  await days(31)
  expect(await deletionStore.purge(db)).toBe(0)
  const before = stored().length
  expect(await collect()).toBe(1)
  expect(stored()).toHaveLength(before - 1)
  expect(await deletionStore.purge(db)).toBe(1)
})

// A race of PostgreSQL's: with PGlite one transaction keeps all others waiting.
test('an upload of the same bytes while they are collected keeps its bytes', async () => {
  await age(await upload(Buffer.from('raced')))
  let second: Promise<Attachment> | undefined
  await store.collect(async (orgId, sha256) => {
    // It comes after no row was found and before the bytes are gone; it waits for this, so that only a time ends the wait.
    second = upload(Buffer.from('raced'))
    await Promise.race([second, sleep(500)])
    await disk.remove(orgId, sha256)
  })
  if (second === undefined) throw new Error('nothing was collected')
  expect(await (await get(await second)).text()).toBe('raced')
})

test('of many uploads and collections of the same bytes at once, every upload that was answered can be read', async () => {
  for (let round = 0; round < 8; round++) {
    await age(await upload(Buffer.from('storm')))
    const [one, , two] = await Promise.all([upload(Buffer.from('storm')), collect(), upload(Buffer.from('storm')), collect()])
    expect(await (await get(one)).text()).toBe('storm')
    expect(await (await get(two)).text()).toBe('storm')
    await Promise.all([age(one), age(two)])
  }
})
