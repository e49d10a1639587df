import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostCredential } from '@helix/contract/enrolment'
import { z } from 'zod'
import { writeWhole } from '../whole-file.ts'

/** What this host keeps of its credential. */
const kept = z.object({
  secret: hostCredential,
  /** Units: milliseconds since 1970. */
  since: z.number(),
  /** The control plane has taken it. */
  enrolled: z.boolean(),
  /** Offered to replace it: which of the two opens is not known until the answer. */
  next: hostCredential.nullable(),
})
export type Kept = z.infer<typeof kept>

export const newCredential = (): string => `hxh_${randomBytes(32).toString('base64url')}`

const pathOf = (stateDir: string): string => join(stateDir, 'credential.json')

/** A file that is missing or was cut short by a power loss is made anew; the first use of it says whether that helps. */
export async function readKept(stateDir: string): Promise<Kept> {
  try {
    return kept.parse(JSON.parse(await readFile(pathOf(stateDir), 'utf8')))
  } catch (error) {
    const made = error instanceof SyntaxError || error instanceof z.ZodError || (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (!made) throw error
    const first = { secret: newCredential(), since: Date.now(), enrolled: false, next: null }
    await writeKept(stateDir, first)
    return first
  }
}

/** On the disk before anybody is told of it: what is enrolled and then forgotten shuts this host out. */
export async function writeKept(stateDir: string, value: Kept): Promise<void> {
  await writeWhole(pathOf(stateDir), `${JSON.stringify(value)}\n`)
}
