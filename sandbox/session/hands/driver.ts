import type { Desktop } from './desktop.ts'
import { Refusal } from './refusal.ts'

/** Units: milliseconds that an action waits for a person; agents give a tool a minute and more. */
export const patienceMs = 20_000

/** Resolves when the agent may act. Answers what it should know of who else does; null: nothing. Rejects when a person keeps it paused. */
export async function mayAct(desktop: Desktop, signal: AbortSignal, waitMs = patienceMs): Promise<string | null> {
  await unpaused(desktop, signal, waitMs)
  const { driver } = desktop
  if (driver === null) return null
  if (!driver.pausesAgent) return `${driver.name} drives the desktop too: what you see may come of that.`
  throw new Refusal(
    `${driver.name} drives the desktop and asked that you wait meanwhile; ${Math.round(waitMs / 1000)} s were not enough. ` +
      'Go on with work that needs no desktop, or call this again later; screenshots still work. The pause ends when they hand control back.',
  )
}

function unpaused(desktop: Desktop, signal: AbortSignal, waitMs: number): Promise<void> {
  const paused = (): boolean => desktop.driver?.pausesAgent === true
  if (!paused()) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      stop()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, waitMs)
    const stop = desktop.onDriver(() => !paused() && end())
    signal.addEventListener('abort', end)
  })
}
