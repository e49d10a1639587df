import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Standing {
  /** Units: MB. */
  heap: number
  memory: number
  descriptors: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What this process holds once its garbage is gone. */
export async function standing(): Promise<Standing> {
  for (let times = 0; times < 3; times += 1) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const megabytes = (bytes: number): number => Math.round((bytes / 1024 ** 2) * 10) / 10
  return { heap: megabytes(heapUsed + external), memory: megabytes(rss), descriptors: readdirSync('/proc/self/fd').length }
}
