import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../../setup/progress.mjs'
import { percentile } from '../figures.ts'
import { processorNs, residentMb } from '../stream/processes.ts'
import type { Generator } from './processes.ts'
import { type Ask, ask, type Target } from './rounds.ts'

export interface Flow {
  /** Units: milliseconds from the provider to the client, of chunks. */
  p50: number
  p99: number
  chunks: number
  lost: number
  failed: number
  /** Units: microseconds of a processor for each chunk; MB. Zero without a process to look at. */
  cpuUs: number
  peakMb: number
}

export const streamsAtOnce = 1000

/** A thousand streams at once. `paceMs` between chunks decides whether the machine is full. */
export async function flow(generator: Generator, target: Target, pid: number | null, paceMs: number, chunks: number): Promise<Flow> {
  const order: Ask = { kind: 'streams', atOnce: streamsAtOnce, seconds: 0, promptBytes: 1000, chunks, paceMs }
  let peakMb = 0
  let running = true
  const watch = (async () => {
    while (running && pid !== null) {
      peakMb = Math.max(peakMb, residentMb(pid))
      await sleep(200)
    }
  })()
  const before = pid === null ? 0 : processorNs(pid)
  const answer = await ask(generator, target, order)
  const cpuUs = pid === null ? 0 : (processorNs(pid) - before) / 1000 / Math.max(1, answer.chunks)
  running = false
  await watch
  const times = [...answer.times]
  const one = {
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    chunks: answer.chunks,
    lost: answer.lost,
    failed: answer.failed,
    cpuUs,
    peakMb,
  }
  const figures = `p50 ${one.p50.toFixed(1)} ms, p99 ${one.p99.toFixed(1)} ms, ${cpuUs.toFixed(0)} us a chunk, ${peakMb.toFixed(0)} MB`
  say(
    `${streamsAtOnce} streams, a chunk each ${paceMs} ms, ${target.name}: ${figures}; ${one.chunks} chunks, ${one.lost} lost, ${one.failed} failed`,
  )
  return one
}
