import { writeFileSync } from 'node:fs'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { agentSessionWorkflowId, specTaskWorkflowId } from '../src/messages.ts'
import { World } from './world.ts'

/** Records how a task and its session run today: one change round, then merged. `node workflows/tests/record.ts` */
await using world = await World.open()
const task = await world.startTask()
const { specCommit, branchCommit } = world.control
await world.until(task, 'spec_review')
await world.ask(task, 'request_spec_changes', { commit: specCommit, note: 'Name the unit' })
await world.eventually(() => task.story.filter((status) => status === 'spec_review').length === 2)
await world.ask(task, 'approve_spec', { commit: specCommit })
await world.until(task, 'implementation_review')
await world.ask(task, 'approve_implementation', { commit: branchCommit })
const client = world.temporal.client.workflow
if (task.sessionId === null) throw new Error('the task has no session')
const recorded = { 'spec-task': specTaskWorkflowId(task.taskId), 'agent-session': agentSessionWorkflowId(task.sessionId) }
const today = new Date().toISOString().slice(0, 10)
for (const [name, workflowId] of Object.entries(recorded)) {
  await client.getHandle(workflowId).result()
  // Workers name themselves after their process and machine.
  const history = historyToJSON(await client.getHandle(workflowId).fetchHistory()).replace(/\d+@[\w.-]+/g, 'recorded')
  writeFileSync(new URL(`../../temporal/histories/${name}-${today}.json`, import.meta.url), `${history}\n`)
}
