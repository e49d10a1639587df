import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Usage {
  bytes: number
  files: number
}

const run = promisify(execFile)
/** Units: milliseconds. */
const deadlineMs = 120_000

/**
 * What the folders hold, each file with several names once in all. The count ends soon after `mostFiles`, so that a folder with millions costs no more than
 * that; null where they cannot be read from here: the engine is elsewhere, or this process is not root.
 */
export async function usageOf(folders: readonly string[], mostFiles: number): Promise<Usage | null> {
  if (folders.length === 0) return null
  const script = `most="$1"; shift; find "$@" -xdev -printf '%b %n\\n' 2>/dev/null | awk -v most="$most" '
    { blocks += $1 / ($2 > 0 ? $2 : 1) } NR > most { exit } END { printf "%.0f %d", blocks * 512, NR }'`
  try {
    const options = { timeout: deadlineMs, killSignal: 'SIGKILL' as const }
    const { stdout } = await run('nice', ['-n', '19', 'sh', '-c', script, 'usage', String(mostFiles), ...folders], options)
    const [bytes = 0, files = 0] = stdout.split(' ').map(Number)
    // The folder itself is always found where it can be read.
    return files === 0 ? null : { bytes, files }
  } catch {
    // No find, no time: nothing is known.
    return null
  }
}
