import type { JournalEntry } from '@helix/contract/sessions'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { SessionRow } from './store.ts'

/** Units: milliseconds. At most five events a second for a session; the last one is never lost. */
const everyMs = 200

interface Pending {
  session: SessionRow
  upTo: number
  activity: string | null
  timer: NodeJS.Timeout | null
  saidAt: number
}

function activityOf(entries: JournalEntry[]): string | null {
  const telling: readonly string[] = ['tool', 'turn_end', 'permission', 'permission_end']
  const last = entries.findLast(({ payload }) => telling.includes(payload.kind))
  if (last?.payload.kind === 'permission') {
    const asked = last.payload.fields === undefined ? 'permission' : 'answer'
    return `Waits for your ${asked}: ${last.payload.title.split('\n')[0]}`.slice(0, 300)
  }
  if (last?.payload.kind === 'permission_end') return 'Goes on after your answer'
  if (last?.payload.kind !== 'tool') return null
  const title = last.payload.title?.trim().split('\n')[0]
  return title ? title.slice(0, 200) : null
}

/** Tells the browsers that a journal grew, and the card what its agent does, without an event for every token. */
export class JournalAnnouncer {
  private readonly context: Context
  private readonly pending = new Map<string, Pending>()

  constructor(context: Context) {
    this.context = context
  }

  announce(session: SessionRow, upTo: number, entries: JournalEntry[]): void {
    const known = this.pending.get(session.id) ?? { session, upTo: 0, activity: null, timer: null, saidAt: 0 }
    known.upTo = Math.max(known.upTo, upTo)
    known.activity = activityOf(entries) ?? known.activity
    this.pending.set(session.id, known)
    known.timer ??= setTimeout(() => void this.flush(known), Math.max(0, known.saidAt + everyMs - Date.now()))
  }

  private async flush(known: Pending): Promise<void> {
    known.timer = null
    known.saidAt = Date.now()
    const { session, upTo, activity } = known
    known.activity = null
    try {
      await this.context.db.transaction(async (trx) => {
        const base = { projectId: session.project_id, taskId: session.task_id }
        await appendEvent(trx, session.org_id, { type: 'session.journal', ...base, sessionId: session.id, upTo })
        if (activity === null || session.task_id === null) return
        const changed = await trx('spec_tasks')
          .where({ id: session.task_id })
          .whereIn('status', ['planning', 'implementing'])
          .update({ activity })
        if (changed === 1)
          await appendEvent(trx, session.org_id, {
            type: 'task.activity',
            projectId: session.project_id,
            taskId: session.task_id,
            activity,
          })
      })
      this.context.bus.wake(session.org_id)
    } catch (error) {
      this.context.log.warn({ err: error, sessionId: session.id }, 'journal not announced')
    }
  }
}
