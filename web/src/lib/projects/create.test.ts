import type { Call } from '@helix/contract/client'
import { HelixError } from '@helix/contract/errors'
import { expect, test } from 'vitest'
import { createProjectWith, repositoryNameFrom } from './create.ts'

test.each([
  ['Billing Service', 'billing-service'],
  ['  Ünïcode & Söhne!  ', 'unicode-sohne'],
  ['…', 'repository'],
  ['x'.repeat(99), 'x'.repeat(60)],
])('%j gives the repository %j', (name, expected) => {
  expect(repositoryNameFrom(name)).toBe(expected)
})

test('a repository name that is taken gets a number, every other failure is told', async () => {
  const asked: string[] = []
  const call = (async (_endpoint: unknown, { body }: { body: { name: string; repositoryIds?: string[] } }) => {
    if (body.repositoryIds !== undefined) return { id: 'prj_1', ...body }
    asked.push(body.name)
    if (body.name !== 'sample-3') throw new HelixError('conflict')
    return { id: 'repo_3' }
  }) as unknown as Call
  const project = await createProjectWith(call, 'Sample', { kind: 'sample' }, 'key')
  expect(asked).toEqual(['sample', 'sample-2', 'sample-3'])
  expect(project).toMatchObject({ name: 'Sample', repositoryIds: ['repo_3'] })

  const failing = (async () => {
    throw new HelixError('import_failed')
  }) as unknown as Call
  await expect(createProjectWith(failing, 'Sample', { kind: 'import', from: 'https://x' }, 'key')).rejects.toMatchObject({
    code: 'import_failed',
  })
})
