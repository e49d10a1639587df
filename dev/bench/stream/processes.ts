import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The process of a container with this name, as this machine numbers it. Throws where there is none. */
export function processOf(containerId: string, name: string): number {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)))
    if (read(`/proc/${pid}/comm`).trim() === name.slice(0, 15) && read(`/proc/${pid}/cgroup`).includes(containerId)) return Number(pid)
  throw new Error(`no ${name} runs in the container ${containerId.slice(0, 12)}`)
}

/** Units: nanoseconds on a processor since it began, all its threads. */
export function processorNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0))
    .reduce((sum, ns) => sum + ns, 0)
}

/** Units: percent of one core, over so many seconds. */
export async function processorShare(pid: number, seconds: number): Promise<number> {
  const [began, before] = [performance.now(), processorNs(pid)]
  await sleep(seconds * 1000)
  return ((processorNs(pid) - before) / 1e6 / (performance.now() - began)) * 100
}

/** Units: MB resident. */
export const residentMb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024

/** Units: how many files it has open. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
