import type { PromptId } from '@helix/contract/ids'
import type { TurnResult } from '@helix/contract/link'
import type { Host, SessionRef } from '../host.ts'
import { sessionLost } from './failures.ts'
import type { LocalSession } from './local-session.ts'

/** Units: milliseconds. A supervisor that is unheard for this long is lost with its session. */
const silentMs = 10_000
/** A cancelled turn has this long to end. */
const cancelMs = 10_000

export interface TurnCaller {
  /** Aborted when nobody waits for the turn any more. */
  signal: AbortSignal
  /** After the abort: whether the turn itself is to be cancelled, and not only the wait for it. */
  cancelRequested(): boolean
  /** The agent works. */
  beat(): void
}

/** Hands a prompt over and waits for the end of its turn; one that was handed over before is joined. */
export async function runTurn(host: Host, ref: SessionRef & { promptId: PromptId }, caller: TurnCaller): Promise<TurnResult> {
  const session = host.registry.find(ref.sessionId)
  if (session === undefined) throw sessionLost('The session does not run on this host.')
  if (session.epoch !== ref.epoch) throw sessionLost(`The session runs in epoch ${session.epoch}, not in ${ref.epoch}.`)
  const prompt = await host.controlPlane.fetchPrompt(ref.promptId)
  const result = Promise.withResolvers<TurnResult>()
  const forget = session.link.beginTurn(prompt, { beat: () => caller.beat(), ended: (turn) => result.resolve(turn) })
  try {
    return await Promise.race([
      result.promise,
      lost(host, session, result.promise),
      cancelled(session, ref.promptId, caller, result.promise),
    ])
  } finally {
    forget()
  }
}

/** Rejects when the session cannot bring the turn to its end here. */
async function lost(host: Host, session: LocalSession, over: Promise<unknown>): Promise<never> {
  const silence = Promise.withResolvers<string>()
  const ending = (): void => silence.resolve('The sandbox host restarts.')
  const timer = setInterval(() => {
    if (session.link.refusal !== null) silence.resolve(`The session's supervisor refuses: ${session.link.refusal}.`)
    if (session.link.silentMs > silentMs) silence.resolve(`The session's supervisor has not answered for ${silentMs / 1000} s.`)
  }, 500)
  host.ending.addEventListener('abort', ending)
  if (host.ending.aborted) ending()
  const stop = (): void => {
    clearInterval(timer)
    host.ending.removeEventListener('abort', ending)
  }
  void over.then(stop)
  try {
    throw sessionLost(await Promise.race([session.gone, silence.promise]))
  } finally {
    stop()
  }
}

/** Rejects, or answers with what the cancelled turn came to, once nobody waits any more. */
async function cancelled(session: LocalSession, promptId: PromptId, caller: TurnCaller, result: Promise<TurnResult>): Promise<TurnResult> {
  if (!caller.signal.aborted) await new Promise((resolve) => caller.signal.addEventListener('abort', resolve, { once: true }))
  if (!caller.cancelRequested()) throw caller.signal.reason
  session.link.cancelTurn(promptId)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(caller.signal.reason), cancelMs)
  })
  return Promise.race([result, late]).finally(() => clearTimeout(timer))
}
