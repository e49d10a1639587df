import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionId } from '@helix/contract/ids'
import { typeid } from 'typeid-js'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SlotLedger } from './ledger.ts'
import { slotLabels } from './slot-labels.ts'

const owner = { installation: 'test', hostId: 'hst_x' }
const session = (): SessionId => typeid('ses').toString() as SessionId
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'helix-ledger-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('what was given is known to the next boot, with the labels and the name that it has since', async () => {
  const [sessionId, other] = [session(), session()]
  const ledger = await SlotLedger.open(folder)
  await ledger.note('slot-1')
  await ledger.note('slot-2')
  await ledger.give('slot-1', { sessionId, labels: { 'helix.session': sessionId, 'helix.epoch': '1' } })
  const next = await SlotLedger.open(folder)
  expect(next.list().map(({ id, given }) => [id, given?.sessionId])).toEqual([
    ['slot-1', sessionId],
    ['slot-2', undefined],
  ])
  expect([next.stemOf(sessionId), next.stemOf(other), next.slotFor(other)]).toEqual(['slot-1', other, null])
  expect(next.relabelled(slotLabels(owner, 'slot-1'))).toMatchObject({ 'helix.session': sessionId, 'helix.epoch': '1' })
  for (const id of ['slot-2', 'slot-unknown']) expect(next.relabelled(slotLabels(owner, id))).toEqual(slotLabels(owner, id))
  await next.forget('slot-1')
  expect((await SlotLedger.open(folder)).stemOf(sessionId)).toBe(sessionId)
})

test('a hundred at once are all written down when each is told so', async () => {
  const ledger = await SlotLedger.open(folder)
  const given = Array.from({ length: 100 }, (_, index) => ({ id: `slot-${index}`, sessionId: session() }))
  await Promise.all(
    given.map(async ({ id, sessionId }) => {
      await ledger.note(id)
      await ledger.give(id, { sessionId, labels: {} })
      expect(await readFile(join(folder, 'slots.json'), 'utf8')).toContain(sessionId)
    }),
  )
  const next = await SlotLedger.open(folder)
  expect(given.every(({ id, sessionId }) => next.stemOf(sessionId) === id)).toBe(true)
})

test('what cannot be written down is not given, and can be once it can', async () => {
  const sessionId = session()
  const ledger = await SlotLedger.open(folder)
  await ledger.note('slot-1')
  await rm(folder, { recursive: true })
  await expect(ledger.give('slot-1', { sessionId, labels: {} })).rejects.toThrow()
  expect([ledger.stemOf(sessionId), ledger.list()]).toEqual([sessionId, [{ id: 'slot-1', given: null }]])
  folder = await mkdtemp(join(tmpdir(), 'helix-ledger-'))
})

test.for(['', '{"slots":', '[]', '{"slots":{"slot-1":{"sessionId":"nonsense","labels":{}}}}'])(
  'a damaged file %j stops the start instead of costing somebody their volumes',
  async (text) => {
    await writeFile(join(folder, 'slots.json'), text)
    await expect(SlotLedger.open(folder)).rejects.toThrow(/slots\.json is damaged/)
  },
)
