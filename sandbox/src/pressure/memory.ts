import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Units: bytes. */
export interface Room {
  free: number
  total: number
}

const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

/** What programs of the machine may still take, and what it has; null where the kernel does not say. */
export function roomOf(meminfo: string): Room | null {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? Number.NaN) * 1024
  const [free, total] = [bytes('MemAvailable'), bytes('MemTotal')]
  return Number.isFinite(free) && Number.isFinite(total) ? { free, total } : null
}

export async function machineMemory(): Promise<Room | null> {
  return roomOf(await read('/proc/meminfo'))
}

interface Names {
  limit: string
  used: string
  /** In `memory.stat`: given back as soon as somebody needs it. */
  spare: string
}
const names: Record<1 | 2, Names> = {
  1: { limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes', spare: 'total_inactive_file' },
  2: { limit: 'memory.max', used: 'memory.current', spare: 'inactive_file' },
}

/** What the control groups of this process leave: in a pod the machine's figures say nothing. None without a limit below `most`. */
export async function groupMemory(most: number, root = '/sys/fs/cgroup', own = '/proc/self/cgroup'): Promise<Room[]> {
  const lines = (await read(own)).split('\n').map((line) => line.split(':'))
  const [first, version] = [lines.find(([, kind]) => kind?.split(',').includes('memory')), lines.find(([number]) => number === '0')]
  const [top, path, words] = first === undefined ? [root, version?.[2], names[2]] : [join(root, 'memory'), first[2], names[1]]
  if (path === undefined) return []
  const rooms: Room[] = []
  for (let folder = join(top, path); folder.startsWith(top); folder = dirname(folder)) {
    const total = Number((await read(join(folder, words.limit))).trim() || Number.NaN)
    if (!(total < most)) continue
    const stat = await read(join(folder, 'memory.stat'))
    const spare = Number(new RegExp(`^${words.spare} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0)
    rooms.push({ total, free: Math.max(0, total - Number(await read(join(folder, words.used))) + spare) })
  }
  return rooms
}
