import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The session image of this tree, built when it is not there. */
export async function ensureSessionImage(tag: string): Promise<void> {
  const build = join(import.meta.dirname, '..', '..', 'image', 'build.mjs')
  await promisify(execFile)(process.execPath, [build, tag], { timeout: 580_000 })
}
