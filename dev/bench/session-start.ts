import { getTimeline } from '@helix/contract/task-work'
import { say } from '../setup/progress.mjs'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { createAndStart, openProject, sampleStory, table } from '../stack/story.ts'
import { type Figures, median } from './figures.ts'

const runs = 7

interface Start {
  /** From the session's creation (the task enters planning) to the agent taking the prompt. */
  readyMs: number
  stages: { name: string; durationMs: number }[]
}

async function measure(scratch: Scratch, projectName: string): Promise<Start> {
  const project = await openProject(scratch.call, projectName, null)
  const { id } = await createAndStart(scratch.call, project, sampleStory, projectName)
  for (let look = 0; look < 1200; look++) {
    const { steps, sessionStarts, turns } = await scratch.call(getTimeline, { params: { taskId: id } })
    const planning = steps.find((step) => step.status === 'planning')
    const started = turns[0]?.startedAt
    if (planning && started && sessionStarts[0])
      return { readyMs: Date.parse(started) - Date.parse(planning.at), stages: sessionStarts[0].stages }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the session never took its prompt')
}

/** Session ready: create -> agent takes a prompt, image and pack cached. One start warms up, the others count. */
export async function bench(): Promise<Figures> {
  await using scratch = await openScratch(say)
  await measure(scratch, 'warm-up')
  const starts: Start[] = []
  for (let run = 1; run <= runs; run++) {
    starts.push(await measure(scratch, `start-${run}`))
    say(`run ${run}: ${starts.at(-1)?.readyMs} ms`)
    // Let the demo's first turn end, so that it does not compete with the next start.
    await new Promise((resolve) => setTimeout(resolve, 6000))
  }
  const names = starts[0]?.stages.map((stage) => stage.name) ?? []
  const of = (start: Start, name: string): number => start.stages.find((stage) => stage.name === name)?.durationMs ?? 0
  const rows = names.map((name) => [
    name,
    ...starts.map((start) => of(start, name).toFixed(0)),
    median(starts.map((start) => of(start, name))).toFixed(0),
  ])
  rows.push(['ready', ...starts.map((start) => String(start.readyMs)), String(median(starts.map((start) => start.readyMs)))])
  process.stdout.write(`\nMilliseconds\n${table(['stage', ...starts.map((_, index) => `run ${index + 1}`), 'p50'], rows)}\n`)
  return { 'session ready p50': { value: median(starts.map((start) => start.readyMs)) / 1000, unit: 's', bar: 3 } }
}
