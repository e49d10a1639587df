import { getTimeline } from '@helix/contract/task-work'
import type { Task } from '@helix/contract/tasks'
import { say } from '../setup/progress.mjs'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { createAndStart, driveToMerged, openProject, sampleStory, table, timelineTable } from '../stack/story.ts'
import { type Figures, median } from './figures.ts'

const runs = 5

interface Run {
  totalMs: number
  /** Units: milliseconds in each status, by status. */
  statuses: Map<string, number>
  sessionReadyMs: number
}

async function measure(scratch: Scratch, name: string): Promise<Run> {
  const project = await openProject(scratch.call, name, null)
  const start = performance.now()
  const created = await createAndStart(scratch.call, project, sampleStory, name)
  const task: Task = await driveToMerged(scratch.call, created.id, 600_000, () => {})
  const totalMs = performance.now() - start
  const timeline = await scratch.call(getTimeline, { params: { taskId: task.id } })
  const statuses = new Map<string, number>()
  for (const { status, durationMs } of timeline.steps) statuses.set(status, (statuses.get(status) ?? 0) + (durationMs ?? 0))
  const sessionReadyMs = timeline.sessionStarts[0]?.stages.reduce((sum, stage) => sum + stage.durationMs, 0) ?? 0
  if (name.endsWith('-1')) process.stdout.write(`\n${await timelineTable(scratch.call, task)}\n\n`)
  return { totalMs, statuses, sessionReadyMs }
}

/** Prompt to merged on the sample repository with the demo provider, everything warm: one run warms up, the others count. */
export async function bench(): Promise<Figures> {
  await using scratch = await openScratch(say)
  await measure(scratch, 'warm-up')
  const measured: Run[] = []
  for (let run = 1; run <= runs; run++) {
    const result = await measure(scratch, `bench-${run}`)
    say(`run ${run}: ${(result.totalMs / 1000).toFixed(1)} s`)
    measured.push(result)
  }
  const names = [...new Set(measured.flatMap((run) => [...run.statuses.keys()]))].filter((name) => name !== 'merged')
  const rows = names.map((name) => {
    const values = measured.map((run) => run.statuses.get(name) ?? 0)
    return [name, ...values.map((ms) => (ms / 1000).toFixed(2)), (median(values) / 1000).toFixed(2)]
  })
  process.stdout.write(`\nSeconds in each status\n${table(['status', ...measured.map((_, index) => `run ${index + 1}`), 'p50'], rows)}\n`)
  return {
    'prompt to merged p50': { value: median(measured.map((run) => run.totalMs)) / 1000, unit: 's', bar: 45 },
    'prompt to merged max': { value: Math.max(...measured.map((run) => run.totalMs)) / 1000, unit: 's', bar: null },
  }
}
