import { removeProjectMember, setProjectMember } from '@helix/contract/access'
import { createClient } from '@helix/contract/client'
import { HelixError } from '@helix/contract/errors'
import { claimSession, fetchPrompt } from '@helix/contract/hosts'
import type { HostId, ProjectId, RepositoryId, TaskId, UserId } from '@helix/contract/ids'
import { mergeTask, openSession, preparePrompt } from '@helix/contract/internal'
import { createLabel, listLabels } from '@helix/contract/labels'
import { applyProjectConfig, exportProjectConfig } from '@helix/contract/project-config'
import {
  archiveProject,
  createProject,
  deleteProject,
  getProject,
  getProjectSettings,
  listDeletedProjects,
  listProjects,
  restoreProject,
  unarchiveProject,
  updateProject,
} from '@helix/contract/projects'
import { createRepository, listRepositories } from '@helix/contract/repositories'
import { createProjectSecret, createSecret, listProjectSecrets, updateProjectSecret } from '@helix/contract/secrets'
import { createTask, getTask } from '@helix/contract/tasks'
import { listTemplates } from '@helix/contract/templates'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { deletionStore } from './deletion/store.ts'

let server: TestServer
let ada: Person
let hostId: HostId
const bootId = 'boot'

beforeAll(async () => {
  server = await openTestServer()
  ada = await server.addPerson()
  hostId = newId('host')
  const report = { capacity: 100, running: 0, rung: 'r', innerDocker: false, packs: [], freeDiskBytes: 1, problem: null }
  await server.context
    .db('hosts')
    .insert({ id: hostId, name: 'h', boot_id: bootId, report: JSON.stringify(report), last_seen_at: new Date() })
})
afterAll(() => server[Symbol.asyncDispose]())

const failure = async (asked: Promise<unknown>): Promise<HelixError> => {
  const error = await asked.then(
    () => new Error('it worked'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof HelixError) return error
  throw error
}

const params = (projectId: ProjectId) => ({ params: { projectId } })

async function claim(taskId: TaskId) {
  const { sessionId } = await server.worker(openSession, { params: { taskId }, body: { key: 'k' } })
  const answer = await server.runner(claimSession, { params: { hostId, sessionId }, body: { bootId, epoch: 0 } })
  if (answer.outcome !== 'claimed') throw new Error(answer.reason)
  return answer.spec
}

/** Commits helix.yaml to the default branch, as a push would. */
async function putFile(repositoryId: RepositoryId, text: string): Promise<void> {
  const { git, folderOf } = server.context.gitStorage
  const input = `commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\nM 644 inline helix.yaml\ndata ${Buffer.byteLength(text)}\n${text}\n`
  await git(['fast-import', '--quiet'], { gitDir: folderOf({ orgId: ada.orgId, repositoryId }), input })
}

test('of two edits that began from the same version, one is written and the other is told by whom and when', async () => {
  const { id } = await addProject(ada)
  const { version } = await ada.call(getProjectSettings, params(id))
  const edits = ['one', 'two'].map((guidelines) => ada.call(updateProject, { ...params(id), body: { expected: version, guidelines } }))
  const results = await Promise.allSettled(edits)
  const lost = results.filter((result) => result.status === 'rejected')
  expect(lost).toHaveLength(1)
  expect(lost[0]?.reason).toMatchObject({ code: 'conflict', details: { changedBy: 'Test Person', version: version + 1 } })
  const won = await ada.call(getProjectSettings, params(id))
  expect(won).toMatchObject({ version: version + 1, changed: { by: 'Test Person' } })
  await ada.call(updateProject, { ...params(id), body: { expected: won.version, guidelines: 'three' } })
  expect((await ada.call(getProjectSettings, params(id))).guidelines).toBe('three')
})

test('a protected branch takes no task, and no merge of a task that was begun before', async () => {
  const project = await addProject(ada)
  const task = await addTask(ada, project)
  const refused = await failure(ada.call(updateProject, { ...params(project.id), body: { protectedBranches: ['ma*'] } }))
  expect(refused.details?.fields).toEqual({ protectedBranches: expect.stringContaining('the base branch of new tasks') })
  for (const pattern of ['helix-*', 'feature/*'])
    expect((await failure(ada.call(updateProject, { ...params(project.id), body: { protectedBranches: [pattern] } }))).code).toBe(
      'invalid_request',
    )
  await server.context.db('projects').where({ id: project.id }).update({ protected_branches: '["ma*"]' })
  const created = await failure(ada.call(createTask, { ...params(project.id), body: { prompt: 'x', start: false } }))
  expect(created.details?.fields).toEqual({ baseBranch: 'protected by "ma*": choose another branch' })
  const merged = await server.worker(mergeTask, {
    params: { taskId: task.id },
    body: { key: 'm', commit: 'a'.repeat(40), approvedById: null },
  })
  expect(merged).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('protected by "ma*"') })
})

test('a new task is begun as the settings say, unless it says otherwise', async () => {
  const project = await addProject(ada)
  await ada.call(updateProject, { ...params(project.id), body: { justDoIt: true } })
  expect((await addTask(ada, project)).justDoIt).toBe(true)
  expect((await addTask(ada, project, { justDoIt: false })).justDoIt).toBe(false)
})

test('new tasks leave from the base branch of the settings, which must be there', async () => {
  const project = await addProject(ada)
  const missing = await failure(ada.call(updateProject, { ...params(project.id), body: { baseBranch: 'develop' } }))
  expect(missing.details?.fields).toEqual({ baseBranch: expect.stringContaining('no branch "develop"') })
  const settings = await ada.call(updateProject, { ...params(project.id), body: { baseBranch: 'main', protectedBranches: ['release/*'] } })
  expect(settings).toMatchObject({ baseBranch: 'main', protectedBranches: ['release/*'] })
  const task = await addTask(ada, project)
  expect((await ada.call(getTask, { params: { taskId: task.id } })).baseBranch).toBe('main')
})

test('guidelines reach the agent with each round of work, and what a person writes stays as it is', async () => {
  const project = await addProject(ada)
  await ada.call(updateProject, { ...params(project.id), body: { guidelines: 'Use **tabs**.' } })
  const task = await addTask(ada, project)
  await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const { promptId } = await server.worker(preparePrompt, { params: { taskId: task.id }, body: { key: 'p', kind: 'plan', note: null } })
  const text = (await server.context.db('prompts').where({ id: promptId }).first('text')).text
  expect(text).toContain('Guidelines of this project, to keep in all you do:\n\nUse **tabs**.\n\n<helix-task>')
  expect(fetchPrompt.permission).toBe('runner')
})

test('a session is handed its project’s secrets and script, and the database holds no value', async () => {
  const [project, other] = [await addProject(ada), await addProject(ada)]
  const secret = (name: string, value: string, exposure: 'environment' | 'startup' = 'environment') => ({ body: { name, value, exposure } })
  await ada.call(createSecret, secret('SHARED', 'of-the-organisation-1'))
  await ada.call(createSecret, secret('TOKEN', 'of-the-organisation-2'))
  await ada.call(createProjectSecret, { ...params(project.id), ...secret('TOKEN', 'of-the-project-3', 'startup') })
  await ada.call(createProjectSecret, { ...params(other.id), ...secret('OTHER', 'of-the-other-4') })
  const taken = await failure(ada.call(createProjectSecret, { ...params(project.id), ...secret('TOKEN', 'again') }))
  expect(taken.code).toBe('conflict')
  await ada.call(updateProject, { ...params(project.id), body: { startUpScript: 'npm ci', startUpSeconds: 60 } })
  const spec = await claim((await addTask(ada, project)).id)
  expect(spec.secrets).toEqual([
    { name: 'SHARED', value: 'of-the-organisation-1', exposure: 'environment' },
    { name: 'TOKEN', value: 'of-the-project-3', exposure: 'startup' },
  ])
  expect(spec.startUp).toEqual({ script: 'npm ci', deadlineSeconds: 60 })
  const listed = await ada.call(listProjectSecrets, params(project.id))
  expect(listed.items.map(({ name, scope }) => `${name} ${scope}`)).toEqual(['SHARED organisation', 'TOKEN project'])
  expect(JSON.stringify(listed)).not.toMatch(/of-the/)
  for (const { tablename } of (await server.context.db.raw("select tablename from pg_tables where schemaname = 'public'")).rows) {
    const found = await server.context.db.raw(`select count(*) as n from "${tablename}" as t where t::text like '%of-the-%'`)
    expect([tablename, Number(found.rows[0].n)]).toEqual([tablename, 0])
  }
})

test('an image is fetched with a secret of the project, which no session gets, and a secret that is missing is named', async () => {
  const project = await addProject(ada)
  const half = await failure(
    ada.call(updateProject, { ...params(project.id), body: { imageLogin: { user: '', secret: 'registry token' } as never } }),
  )
  expect(Object.keys(half.details?.fields ?? {})).toEqual(['imageLogin.user', 'imageLogin.secret'])
  const imageLogin = { user: 'robot', secret: 'REGISTRY_TOKEN' }
  const changed = await ada.call(updateProject, { ...params(project.id), body: { image: 'example.com/team/closed:1', imageLogin } })
  expect(changed).toMatchObject({ imageLogin })
  const { id } = await addTask(ada, project)
  const without = /as robot with the secret REGISTRY_TOKEN, which neither the project nor the organisation has: add it under Secrets/
  await expect(claim(id)).rejects.toThrow(without)
  const body = { name: 'REGISTRY_TOKEN', value: 'of-the-registry-5', exposure: 'image' as const }
  await ada.call(createProjectSecret, { ...params(project.id), body })
  const spec = await claim(id)
  expect(spec.imageLogin).toEqual({ ...imageLogin, password: 'of-the-registry-5' })
  expect(JSON.stringify(spec.secrets)).not.toMatch(/REGISTRY_TOKEN|of-the-registry/)
  await ada.call(updateProject, { ...params(project.id), body: { image: null, imageLogin: null } })
})

test('a deleted project is nowhere, its tasks are stopped, and it comes back whole until its time is over', async () => {
  const project = await addProject(ada)
  const [task, idle] = [await addTask(ada, project), await addTask(ada, project)]
  await writeStep(server, task.id, 1, 'backlog', 'queued_planning')
  const wrong = await failure(ada.call(deleteProject, { ...params(project.id), body: { name: 'sample' } }))
  expect(wrong.details?.fields).toEqual({ name: 'not its name' })
  await ada.call(deleteProject, { ...params(project.id), body: { name: 'Sample' } })
  expect((await failure(ada.call(getProject, params(project.id)))).code).toBe('not_found')
  expect((await failure(ada.call(getTask, { params: { taskId: task.id } }))).code).toBe('not_found')
  expect((await ada.call(listProjects, { query: { archived: 'with', limit: 200 } })).items.map(({ id }) => id)).not.toContain(project.id)
  expect((await ada.call(listRepositories, { query: { limit: 200 } })).items.map(({ id }) => id)).toContain(project.repositories[0]?.id)
  const asked = async () =>
    (await server.context.db('outbox').orderBy('id')).map((row) => row.payload).filter(({ request }) => request?.id.includes('delete/'))
  expect(await asked()).toMatchObject([{ taskId: task.id, request: { action: 'archive' } }])
  expect((await ada.call(listDeletedProjects, {})).items).toMatchObject([{ id: project.id, tasks: 2, deletedBy: 'Test Person' }])
  expect(await deletionStore.purge(server.context.db)).toBe(0)
  const restored = await ada.call(restoreProject, { params: { deletedProjectId: project.id } })
  expect(restored.name).toBe('Sample')
  expect((await asked()).at(-1)).toMatchObject({ taskId: task.id, request: { action: 'restore' } })
  expect((await ada.call(getTask, { params: { taskId: idle.id } })).id).toBe(idle.id)
  await ada.call(deleteProject, { ...params(project.id), body: { name: 'Sample' } })
  await server.context
    .db('projects')
    .where({ id: project.id })
    .update({ deleted_at: new Date(Date.now() - 31 * 24 * 3600 * 1000) })
  expect(await deletionStore.purge(server.context.db)).toBe(1)
  expect((await failure(ada.call(restoreProject, { params: { deletedProjectId: project.id } }))).code).toBe('not_found')
})

test('who administers a project takes its deletion back, and nobody else without the organisation sees it', async () => {
  const project = await addProject(ada)
  const { db } = server.context
  const [grace, viewer] = await Promise.all(
    ['Grace', 'Viewer'].map(async (name) => {
      const userId = newId('user')
      await db('users').insert({ id: userId, email: `${userId}@example.com`, name })
      await db('memberships').insert({ org_id: ada.orgId, user_id: userId, role: 'viewer' })
      const { secret } = await new IdentityStore(db).createApiKey(ada.orgId, userId, name)
      return { userId, call: createClient({ baseUrl: server.url, token: secret }) }
    }),
  )
  if (grace === undefined || viewer === undefined) throw new Error('nobody')
  await ada.call(setProjectMember, { params: { projectId: project.id, granteeId: grace.userId }, body: { role: 'admin' } })
  await grace.call(deleteProject, { ...params(project.id), body: { name: 'Sample' } })
  const restored = { params: { deletedProjectId: project.id } }
  const seenBy = async ({ call }: Pick<Person, 'call'>) => (await call(listDeletedProjects, {})).items.map(({ id }) => id)
  expect([await seenBy(grace), await seenBy(viewer)]).toEqual([[project.id], []])
  expect((await failure(viewer.call(restoreProject, restored))).message).toBe('You need admin on this project; you are viewer.')
  const stranger = await server.addPerson()
  expect((await failure(stranger.call(restoreProject, restored))).code).toBe('not_found')
  expect(await grace.call(restoreProject, restored)).toMatchObject({ name: 'Sample' })
  expect((await failure(grace.call(restoreProject, restored))).code).toBe('not_found')
})

test('helix.yaml brings labels and templates, changes them, and takes none away', async () => {
  const project = await addProject(ada)
  const apply = (yaml: string) => ada.call(applyProjectConfig, { ...params(project.id), body: { yaml: `version: 1\n${yaml}` } })
  await ada.call(createLabel, { ...params(project.id), body: { name: 'Kept', colour: 'teal' } })
  const made = await ada.call(createLabel, { ...params(project.id), body: { name: 'bug', colour: 'grey' } })
  const yaml = 'labels:\n  - { name: Bug, colour: red }\n  - name: docs\ntemplates:\n  - name: Upgrade\n    prompt: Upgrade it\n'
  const { changes } = await apply(yaml)
  expect(changes.map(({ path, from }) => [path, from === null])).toEqual([
    ['labels: Bug', false],
    ['labels: docs', true],
    ['templates: Upgrade', true],
  ])
  expect(await apply(yaml)).toMatchObject({ unchanged: true })
  const { items } = await ada.call(listLabels, params(project.id))
  expect(items.map(({ name, colour }) => [name, colour])).toEqual([
    ['Bug', 'red'],
    ['docs', 'grey'],
    ['Kept', 'teal'],
  ])
  expect(items[0]?.id).toBe(made.id)
  const exported = (await ada.call(exportProjectConfig, params(project.id))).yaml
  expect(await apply(exported.replace('version: 1\n', ''))).toMatchObject({ unchanged: true })
  const other = await addProject(ada)
  await ada.call(applyProjectConfig, { ...params(other.id), body: { yaml: `version: 1\n${yaml}` } })
  const { items: templates } = await ada.call(listTemplates, params(other.id))
  expect(templates).toMatchObject([{ name: 'Upgrade', prompt: 'Upgrade it', justDoIt: false, priority: 'normal' }])
  const twice = await failure(apply('labels:\n  - { name: a }\n  - { name: A }\n'))
  expect(twice.details?.problems).toMatchObject([{ path: 'labels[1].name', line: 4, message: '"a" is named twice' }])
})

test('of two who replace a secret the second is told who was first, and nothing of theirs is saved', async () => {
  const project = await addProject(ada)
  const made = await ada.call(createProjectSecret, { ...params(project.id), body: { name: 'TOKEN', value: 'the first one' } })
  const put = (value: string, expectedChangedAt?: string) =>
    ada.call(updateProjectSecret, { params: { projectId: project.id, secretId: made.id }, body: { value, expectedChangedAt } })
  const second = await put('the second one', made.changedAt)
  const late = await failure(put('the late one', made.changedAt))
  expect([late.code, late.message]).toEqual(['conflict', 'Test Person has changed TOKEN since you opened it. Yours is not saved.'])
  expect(late.details?.changedAt).toBe(second.changedAt)
  await put('the late one, asked again', second.changedAt)
  await put('whatever is there')
})

test('an archived project is out of the list and takes no tasks until it is back', async () => {
  const project = await addProject(ada)
  await ada.call(archiveProject, params(project.id))
  const listed = async (archived: 'without' | 'only') =>
    (await ada.call(listProjects, { query: { archived, limit: 200 } })).items.some(({ id }) => id === project.id)
  expect([await listed('without'), await listed('only')]).toEqual([false, true])
  expect((await failure(addTask(ada, project))).code).toBe('conflict')
  await ada.call(unarchiveProject, params(project.id))
  await addTask(ada, project)
})

test('repositories are added and ordered, and none is taken from under a task', async () => {
  const project = await addProject(ada)
  const first = project.repositories[0]?.id as never
  const second = (await ada.call(createRepository, { body: { name: 'second', source: { kind: 'sample' } } })).id
  const put = (repositoryIds: never[]) => ada.call(updateProject, { ...params(project.id), body: { repositoryIds } })
  expect((await put([first, second as never])).repositories.map(({ id }) => id)).toEqual([first, second])
  const task = await addTask(ada, project)
  await writeStep(server, task.id, 1, 'backlog', 'queued_planning')
  for (const ids of [[second], [second, first]] as never[][]) {
    const refused = await failure(put(ids))
    expect([refused.code, refused.message]).toEqual(['conflict', expect.stringContaining('#1')])
  }
  await writeStep(server, task.id, 2, 'queued_planning', 'archived')
  expect((await put([second as never])).repositories.map(({ id }) => id)).toEqual([second])
})

test('helix.yaml is applied whole or not at all, and a second time changes nothing', async () => {
  const project = await addProject(ada)
  const apply = (yaml: string, dryRun = false) => ada.call(applyProjectConfig, { ...params(project.id), body: { yaml, dryRun } })
  const yaml =
    'version: 1\nlimits: { planning: 7 }\nvisibility: private\nstartUp:\n  script: |\n    npm ci\nsecrets:\n  - name: NPM_TOKEN\n'
  const changes = [
    { path: 'limits.planning', from: '3', to: '7' },
    { path: 'startUp.script', from: '', to: 'npm ci\n' },
    { path: 'visibility', from: 'organisation', to: 'private' },
  ]
  expect(await apply(yaml, true)).toMatchObject({ unchanged: false, changes, missingSecrets: ['NPM_TOKEN'] })
  expect((await ada.call(getProject, params(project.id))).planningLimit).toBe(3)
  expect(await apply(yaml)).toMatchObject({ unchanged: false, changes })
  const { version } = await ada.call(getProject, params(project.id))
  expect(await apply(yaml)).toEqual({ unchanged: true, changes: [], missingSecrets: ['NPM_TOKEN'], version })
  const exported = await ada.call(exportProjectConfig, params(project.id))
  expect(await apply(exported.yaml)).toMatchObject({ unchanged: true, version })
  const bad = await failure(
    apply('version: 1\nlimits: { planning: 9 }\nmembers:\n  - { team: Nobody, role: viewer }\nbranches:\n  base: nowhere\n'),
  )
  expect(bad.details?.problems).toEqual([
    { path: 'members[0].team', line: 4, column: 13, message: 'nobody of this organisation is called "Nobody"' },
  ])
  expect((await ada.call(getProject, params(project.id))).planningLimit).toBe(7)
  const outdated = await failure(ada.call(applyProjectConfig, { ...params(project.id), body: { yaml, expected: version - 1 } }))
  expect(outdated.code).toBe('conflict')
})

test('a project says whether its desktops are recorded and for how long, by the settings and by helix.yaml', async () => {
  const project = await addProject(ada)
  const settings = async () => (await ada.call(getProjectSettings, params(project.id))).recording
  const apply = (yaml: string) => ada.call(applyProjectConfig, { ...params(project.id), body: { yaml: `version: 1\n${yaml}` } })
  expect(await settings()).toEqual({ enabled: true, keepDays: 14 })
  expect((await apply('recording: { keepDays: 3 }\n')).changes).toEqual([{ path: 'recording.keepDays', from: '14', to: '3' }])
  expect(await settings()).toEqual({ enabled: true, keepDays: 3 })
  const bad = await failure(apply('recording: { keepDays: 0 }\n'))
  expect(bad.details?.problems).toMatchObject([{ path: 'recording.keepDays', line: 2, message: 'use 1 to 365 days' }])
})

test('a project chooses the screen of its desktops, by the settings and by helix.yaml, and faults name the field', async () => {
  const project = await addProject(ada)
  const settings = async () => (await ada.call(getProjectSettings, params(project.id))).desktop
  expect(await settings()).toEqual({ enabled: true, width: 1920, height: 1080, scale: 100, fps: 60 })
  const large = { enabled: true, width: 3840, height: 2160, scale: 200, fps: 30 }
  expect((await ada.call(updateProject, { ...params(project.id), body: { desktop: large } })).desktop).toEqual(large)
  const apply = (yaml: string) => ada.call(applyProjectConfig, { ...params(project.id), body: { yaml: `version: 1\n${yaml}` } })
  expect((await apply('desktop: { enabled: false, fps: 24 }\n')).changes).toEqual([
    { path: 'desktop.enabled', from: 'true', to: 'false' },
    { path: 'desktop.fps', from: '30', to: '24' },
  ])
  expect(await settings()).toEqual({ ...large, enabled: false, fps: 24 })
  const { yaml } = await ada.call(exportProjectConfig, params(project.id))
  expect(await apply(yaml.replace('version: 1\n', ''))).toMatchObject({ unchanged: true })
  const bad = await failure(apply('desktop: { width: 9999 }\n'))
  expect(bad.details?.problems).toMatchObject([{ path: 'desktop.width', line: 2, message: 'use 320 to 3840 pixels' }])
  const refused = await failure(ada.call(updateProject, { ...params(project.id), body: { desktop: { ...large, scale: 110 } } }))
  expect(refused.details?.fields).toEqual({ 'desktop.scale': 'use 100 to 300 percent, in steps of 25' })
})

test('reviewers of new tasks are people who may review here, and go with helix.yaml', async () => {
  const [project, other] = [await addProject(ada), await addProject(ada)]
  const { db } = server.context
  const viewer = newId('user')
  await db('users').insert({ id: viewer, email: 'Grace@Example.com', name: 'Grace' })
  await db('memberships').insert({ org_id: ada.orgId, user_id: viewer, role: 'viewer' })
  const name = (defaultReviewerIds: UserId[]) => ada.call(updateProject, { ...params(project.id), body: { defaultReviewerIds } })
  for (const unable of [viewer, newId('user'), (await server.addPerson()).userId])
    expect((await failure(name([ada.userId, unable]))).details?.fields).toEqual({
      defaultReviewerIds: `${unable} may not review in this project: give them the role reviewer first`,
    })
  await ada.call(setProjectMember, { params: { projectId: project.id, granteeId: viewer }, body: { role: 'reviewer' } })
  await name([viewer, ada.userId])
  await ada.call(removeProjectMember, { params: { projectId: project.id, granteeId: viewer } })
  // Who was named once does not stand in the way of other changes.
  await name([viewer])
  const { yaml } = await ada.call(exportProjectConfig, params(project.id))
  expect(yaml).toContain('reviewers:\n    - grace@example.com\n')
  const apply = (to: ProjectId, text: string) => ada.call(applyProjectConfig, { ...params(to), body: { yaml: text } })
  expect(await apply(project.id, yaml)).toMatchObject({ unchanged: true })
  const file = 'version: 1\nreview:\n  reviewers: [GRACE@example.com]\nmembers:\n  - { person: grace@example.com, role: reviewer }\n'
  expect(await apply(other.id, file)).toMatchObject({ unchanged: false })
  expect(await apply(other.id, file)).toMatchObject({ unchanged: true })
  expect((await ada.call(getProjectSettings, params(other.id))).defaultReviewerIds).toEqual([viewer])
  const bad = await failure(apply(other.id, 'version: 1\nreview:\n  reviewers: [nobody@example.com]\n'))
  expect(bad.details?.problems).toMatchObject([{ path: 'review.reviewers[0]', line: 3 }])
})

test('a project is created with the settings of its repository, or not at all', async () => {
  const { id } = await ada.call(createRepository, { body: { name: 'with-config', source: { kind: 'sample' } } })
  const body = { name: 'From file', repositoryIds: [id], fromHelixYaml: true }
  expect((await failure(ada.call(createProject, { body }))).details?.fields).toMatchObject({ fromHelixYaml: expect.any(String) })
  await putFile(id, 'version: 1\nname: Not taken\nlimits:\n  planning: 0\n')
  const bad = await failure(ada.call(createProject, { body }))
  expect(bad.details?.problems).toMatchObject([{ path: 'limits.planning', line: 4 }])
  await putFile(id, 'version: 1\nname: Not taken\nlimits:\n  planning: 9\nguidelines: Be kind\n')
  const made = await ada.call(createProject, { body })
  expect(await ada.call(getProjectSettings, params(made.id))).toMatchObject({ name: 'From file', planningLimit: 9, guidelines: 'Be kind' })
})
