import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function find(containerId: string, what: string, fits: (pid: string) => boolean): number {
  const own = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  const found = own.find((pid) => fits(pid) && read(`/proc/${pid}/cgroup`).includes(containerId))
  if (found === undefined) throw new Error(`no ${what} runs in the container ${containerId.slice(0, 12)}`)
  return Number(found)
}

/** The process of a container with this name, as this machine numbers it. Throws where there is none. */
export const processOf = (containerId: string, name: string): number =>
  find(containerId, name, (pid) => read(`/proc/${pid}/comm`).trim() === name.slice(0, 15))

/** The same by a word of its command. Its init, which carries the command too, is not meant. */
export const commandOf = (containerId: string, word: string): number =>
  find(containerId, word, (pid) => read(`/proc/${pid}/comm`).trim() !== 'tini' && read(`/proc/${pid}/cmdline`).includes(word))

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
