import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestServer, type TestServer } from '../../testing/server.ts'
import { sealingKeysOf } from '../seal.ts'
import { installationSecret, requireSealingKeys } from './store.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server?.[Symbol.asyncDispose]())

test('a control plane with another encryption key does not start, and says what to set', async () => {
  const { db } = server.context
  const [old, other] = [`a:${'a'.repeat(32)}`, `b:${'b'.repeat(32)}`]
  await db('installation').where({ key: 'sign_in_secret' }).delete()
  await requireSealingKeys({ db, sealing: sealingKeysOf(old) })
  const wrong = { db, sealing: sealingKeysOf(`a:${'c'.repeat(32)}`) }
  await expect(requireSealingKeys(wrong)).rejects.toThrow(/HELIX_ENCRYPTION_KEY does not open[\s\S]*used before/)
  await expect(requireSealingKeys({ db, sealing: sealingKeysOf(other) })).rejects.toThrow(/HELIX_ENCRYPTION_KEY/)
  await requireSealingKeys({ db, sealing: sealingKeysOf(`${other},${old}`) })
})

test('a secret of the installation is made once', async () => {
  const { db } = server.context
  const sealing = sealingKeysOf('a'.repeat(32))
  const made = await Promise.all([1, 2, 3].map(() => installationSecret({ db, sealing }, 'made_once')))
  expect(new Set(made).size).toBe(1)
})
