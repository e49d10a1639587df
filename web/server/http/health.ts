import { newestMigration } from '@helix/migrations'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appliedMigration } from '../db/migrate.ts'
import { mailTrouble } from '../mail/store.ts'

type Part = { ok: true } | { ok: false; reason: string }

async function part(work: () => Promise<void>): Promise<Part> {
  try {
    await work()
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** `/healthz`: the process lives. `/readyz`: each part it needs, by name; 503 while one is missing. */
export function healthRoutes(context: Context): Router {
  const router = Router()
  router.get('/healthz', (_request, response) => {
    response.json({ ok: true })
  })
  router.get('/readyz', async (_request, response) => {
    const [database, migrations, temporal, mail] = await Promise.all([
      part(async () => void (await context.db.raw('select 1'))),
      part(async () => {
        const applied = await appliedMigration(context.db)
        if (applied !== newestMigration) throw new Error(`the schema is at ${applied}, this version needs ${newestMigration}`)
      }),
      part(() => context.temporal.check()),
      part(async () => {
        const trouble = await mailTrouble(context.db, null)
        if (trouble !== null) throw new Error(`${trouble.waiting} mails wait: the mail server does not take them`)
      }),
    ])
    // Mail waits by itself: a replica is no less ready for it.
    const ok = database.ok && migrations.ok && temporal.ok
    response.status(ok ? 200 : 503).json({ ok, database, migrations, temporal, mail })
  })
  return router
}
