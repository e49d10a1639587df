import { readConfig } from './config.ts'
import { createLog, reasonOf } from './log.ts'
import { takeSessionFile } from './session-file.ts'
import { Slot } from './slot.ts'
import { Supervisor } from './supervisor.ts'
import { limitTasks } from './tasks.ts'

const log = createLog()
/** The agent has 5 s to end, the checkpoint of its work 10, the journal the rest. */
const longestEndMs = 20_000

async function main(): Promise<void> {
  const stop = Promise.withResolvers<string>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.resolve(signal))
  await limitTasks(log)
  const config = readConfig(process.env)
  const slot = await Slot.open(config, log)
  const session = await (slot === null ? takeSessionFile(config.sessionFile) : Promise.race([slot.session, stop.promise]))
  // Nobody wanted the machine.
  if (typeof session === 'string') process.exit(0)
  const supervisor = await Supervisor.start({ config, session, log, slot, stopped: () => stop.resolve('stop frame') })
  slot?.begun()
  log.info('listening', { port: supervisor.port, sessionId: session.sessionId, epoch: session.epoch })
  const running = supervisor.run()
  log.info('ending', { by: await stop.promise })
  // An agent that hangs in its end must not keep the container for ever.
  setTimeout(() => process.exit(0), longestEndMs).unref()
  await supervisor[Symbol.asyncDispose]()
  await running
  process.exit(0)
}

main().catch((error) => {
  log.warn('the supervisor cannot go on', { reason: reasonOf(error), ...(error instanceof Error && { stack: error.stack }) })
  process.exit(1)
})
