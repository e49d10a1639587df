import { readdirSync, readFileSync } from 'node:fs'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { beforeAll, expect, test } from 'vitest'
import { workflowsPath } from './world.ts'

const folder = new URL('../../temporal/histories/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

let codePath: { code: string }
beforeAll(async () => {
  codePath = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })
})

const replay = (history: unknown): Promise<void> => Worker.runReplayHistory({ workflowBundle: codePath }, historyFromJSON(history))

test('there are histories to replay', () => {
  expect(names.length).toBeGreaterThanOrEqual(2)
})

test.each(names)('%s replays with today’s code', async (name) => {
  await replay(read(name))
})

test.each(names)('%s with another activity in it is noticed', async (name) => {
  const text = JSON.stringify(read(name))
  const tampered = text
    .replaceAll('"name":"recordTurn"', '"name":"anotherActivity"')
    .replaceAll('"name":"openSession"', '"name":"anotherActivity"')
  expect(tampered).not.toBe(text)
  await expect(replay(JSON.parse(tampered))).rejects.toThrow(DeterminismViolationError)
})
