import { statfs } from 'node:fs/promises'
import type { EngineInfo } from '../engine/engine.ts'
import type { Gauge } from './levels.ts'
import { groupMemory, machineMemory, type Room } from './memory.ts'

/** Units: bytes. What is kept free, as the operator says; undefined: as much, and at most a tenth of all. */
export interface Reserves {
  diskBytes: number | undefined
  memoryBytes: number | undefined
}

const usual = { diskBytes: 10 * 1024 ** 3, memoryBytes: 2 * 1024 ** 3 }
/** File systems that count their files are short of them below this part. */
const filesShare = 0.05
/** Parts by which an engine and the kernel may count one machine's memory otherwise. */
const sameMachine = 0.02

/** What can run out where the engine's sessions live. Of an engine elsewhere nothing is known. */
export async function gaugesOf({ dataRoot, memoryBytes }: EngineInfo, reserves: Reserves): Promise<Gauge[]> {
  return [...(await diskGauges(dataRoot, reserves.diskBytes)), ...(await memoryGauges(memoryBytes, reserves.memoryBytes))]
}

async function diskGauges(dataRoot: string, reserve: number | undefined): Promise<Gauge[]> {
  const stats = await statfs(dataRoot).catch(() => null)
  if (stats === null) return []
  const disk = { free: stats.bavail * stats.bsize, total: stats.blocks * stats.bsize }
  const gauges: Gauge[] = [{ what: 'disk', of: dataRoot, ...disk, reserve: reserve ?? Math.min(usual.diskBytes, disk.total / 10) }]
  // File systems that make room for files as they come say 0.
  if (stats.files > 0)
    gauges.push({ what: 'files', of: dataRoot, free: stats.ffree, total: stats.files, reserve: stats.files * filesShare })
  return gauges
}

async function memoryGauges(ofEngine: number, reserve: number | undefined): Promise<Gauge[]> {
  const machine = await machineMemory()
  if (machine === null || Math.abs(machine.total - ofEngine) > machine.total * sameMachine) return []
  const most = ({ total }: Room): number => Math.min(reserve ?? usual.memoryBytes, total / 10)
  const gauge = (of: string, room: Room, kept: number): Gauge => ({ what: 'memory', of, ...room, reserve: kept })
  const groups = await groupMemory(machine.total)
  // What the operator says is of the machine: a small group is not short of it from the start.
  return [
    gauge('this machine', machine, reserve ?? most(machine)),
    ...groups.map((room) => gauge('this host’s control group', room, most(room))),
  ]
}
