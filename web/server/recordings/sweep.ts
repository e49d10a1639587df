import type { Context } from '../context.ts'
import { RecordingDisk } from './disk.ts'
import { recordingStore, type SegmentRow } from './store.ts'

/** Units: milliseconds. */
const everyMs = 10 * 60_000
const batch = 500
const [mega, giga] = [1024 ** 2, 1024 ** 3]

type Parts = Pick<Context, 'db' | 'log' | 'config'>

/** Removes what is too old or too much, and bytes that belong to nothing. Answers how many segments and stray files went. */
export async function sweepRecordings({ db, config }: Parts, now = Date.now()): Promise<{ removed: number; strays: number }> {
  const disk = new RecordingDisk(config.HELIX_DATA_DIR)
  const wholes = [
    () => recordingStore.tooOld(db, batch),
    () => recordingStore.tooMuch(db, 'session', config.HELIX_RECORDING_SESSION_MB * mega, batch),
    () => recordingStore.tooMuch(db, 'all', config.HELIX_RECORDING_BUDGET_GB * giga, batch),
  ]
  let removed = 0
  for (const find of wholes)
    for (let found = await find(); found.length > 0; found = await find()) {
      await remove(db, disk, found)
      removed += found.length
    }
  const names = async (session: Parameters<Parameters<RecordingDisk['removeStrays']>[0]>[0]) =>
    new Set((await recordingStore.segments(db, session.orgId, session.sessionId)).map(RecordingDisk.nameOf))
  return { removed, strays: await disk.removeStrays(names, now) }
}

/** Rows first: what is listed can be played. A file that stays is a stray, and goes with those. */
async function remove(db: Parts['db'], disk: RecordingDisk, rows: readonly SegmentRow[]): Promise<void> {
  await recordingStore.remove(db, rows)
  for (const row of rows) await disk.remove(row)
}

/** At start and every ten minutes. Several control planes may do it at once. */
export function keepRecordingsFew(context: Parts): Disposable {
  const sweep = (): Promise<unknown> =>
    sweepRecordings(context).catch((error: unknown) => context.log.warn({ err: error }, 'old recordings could not be removed yet'))
  const timer = setInterval(() => void sweep(), everyMs)
  timer.unref()
  void sweep()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
