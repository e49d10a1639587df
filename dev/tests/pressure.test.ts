import { setTimeout as sleep } from 'node:timers/promises'
import { getFleet } from '@helix/contract/fleet'
import { createSession, resumeSession } from '@helix/contract/session-life'
import { getSession, type Session, type SessionState } from '@helix/contract/sessions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { openProject } from '../stack/story.ts'

let scratch: Scratch
beforeAll(async () => {
  scratch = await openScratch(console.log, { HELIX_WARM_SESSIONS: '0' })
})
afterAll(() => scratch?.[Symbol.asyncDispose]())

async function becomes(sessionId: Session['id'], state: SessionState): Promise<Session> {
  for (;;) {
    const session = await scratch.call(getSession, { params: { sessionId } })
    if (session.state === state) return session
    await sleep(200)
  }
}

/** The host begins anew, with so much memory to be kept free; absent: the usual. */
function reserve(megabytes: number | null): void {
  const host = scratch.stack.process('sandbox-host')
  host.plan.env.HELIX_MEMORY_RESERVE_MB = megabytes === null ? '' : String(megabytes)
  host.kill('SIGTERM')
}

test('a host whose memory runs out suspends what is idle, says so, takes nothing new, and goes on when there is room', async () => {
  const project = await openProject(scratch.call, 'pressure', null)
  const { id } = await scratch.call(createSession, { params: { projectId: project.id }, body: {} })
  await becomes(id, 'idle')
  reserve(100_000_000)
  const session = await becomes(id, 'suspended')
  expect(session.reason).toContain('Suspended by its host, which runs out of memory')
  const [host] = (await scratch.call(getFleet, {})).hosts
  expect(host?.problem).toContain('The memory of this machine runs out')
  expect(host?.pressure).toMatchObject({ level: expect.stringMatching(/^(suspend|largest)$/) })
  expect(host?.pressureEvents.map(({ text }) => text)).toContain('A session that was idle was suspended for room.')
  expect(host?.descriptors?.open).toBeGreaterThan(10)
  await scratch.call(resumeSession, { params: { sessionId: id } })
  await expect
    .poll(async () => (await scratch.call(getSession, { params: { sessionId: id } })).reason, { timeout: 30_000 })
    .toContain('The memory of this machine runs out')
  reserve(null)
  await becomes(id, 'idle')
})
