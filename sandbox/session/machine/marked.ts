import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { familyOf, killAll, readProcesses } from '../process-table.ts'
import { killGroup } from '../run.ts'

const variable = 'HELIX_RUN'

/** A variable by which everything that a shell starts is found again, whatever group, session and parent it takes. */
export const newMark = (): { HELIX_RUN: string } => ({ [variable]: randomBytes(8).toString('hex') })

/** Ends a process with all it started. What changed its own environment and left its family escapes; its container does not. */
export async function killMarked(pid: number | undefined, mark: { HELIX_RUN: string }): Promise<void> {
  if (pid === undefined) return
  // Twice: one that was just being made is missed by a single look.
  for (let look = 0; look < 2; look++) {
    const rows = await readProcesses()
    const family = new Set(familyOf(pid, rows).map((row) => row.pid))
    const marked = await Promise.all(rows.map(async (row) => family.has(row.pid) || (await carries(row.pid, mark.HELIX_RUN))))
    if (look === 0) killGroup(pid, 'SIGKILL')
    await killAll(rows.filter((_, index) => marked[index]))
  }
}

async function carries(pid: number, value: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return environment.split('\0').includes(`${variable}=${value}`)
}
