import { writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { type Log, reasonOf } from './log.ts'

/** The machine counts up to two for each of these, and gives 3,072. */
const most = 1280
const ownLimit = '/sys/fs/cgroup/pids/pids.max'

/** gVisor counts a session's processes itself, and is ended as a whole by the machine's limit: it is given one that comes before. */
export async function limitTasks(log: Log): Promise<void> {
  if (!release().includes('gvisor')) return
  await writeFile(ownLimit, String(most)).catch((error: unknown) => log.warn('no limit of processes', { reason: reasonOf(error) }))
}
