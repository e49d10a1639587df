import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionFile, SupervisorDown } from '@helix/contract/link'
import { restorable } from './checkpoint/restore.ts'
import type { Config } from './config.ts'
import { whyNoDesktop } from './desktop/place.ts'
import { settleIn } from './image/settle.ts'
import { useNameservers } from './inner-network.ts'
import { Journal } from './journal/journal.ts'
import { type Connection, type LinkHandler, type LinkServer, listen } from './link/server.ts'
import { type Log, reasonOf } from './log.ts'
import { Parts, type PartsInput } from './parts.ts'
import type { Slot } from './slot.ts'
import { reportStartUp } from './start-up.ts'
import { createAgentUser } from './user.ts'
import { makeFolders, prepareWorkspace, type Workspace } from './workspace.ts'

/** Units: milliseconds. */
const agentGraceMs = 5000
/** Units: milliseconds. A host that says nothing by then is on its way to us, or of another version. */
const patienceMs = 5000

type Status = { state: 'preparing' | 'ready' | 'broken'; message: string | null }

/** One start of one session, from its first step to its end. */
export class Supervisor implements LinkHandler, AsyncDisposable {
  private readonly input: PartsInput
  private readonly parts: Parts
  private readonly over = new AbortController()
  private readonly stopped: () => void
  private link: LinkServer | null = null
  private status: Status = { state: 'preparing', message: null }
  private ending = false
  /** The host says that it is time to prepare. */
  private readonly told = Promise.withResolvers<void>()

  private constructor(input: PartsInput & Pick<SupervisorInput, 'stopped'>) {
    const { session, journal } = input
    this.input = input
    this.stopped = input.stopped
    this.parts = new Parts(input, {
      changed: () => this.report(),
      staged: () => {
        if (this.status.state === 'preparing') this.report()
      },
      port: () => this.port,
    })
    journal.skipTo(this.parts.state.acknowledged)
    const { turn } = session.kept
    if (turn !== null) journal.remember(turn.promptId, turn.end)
    // Who asked was an agent of an earlier start.
    this.parts.permissions.voidAll(journal.openRequests())
  }

  /** Opens the journal and the link; `run` does the rest. */
  static async start(input: SupervisorInput): Promise<Supervisor> {
    const { image } = input.config
    const surroundings = await settleIn(input.config, { image, innerDocker: input.session.innerDocker !== 'none' })
    const user = createAgentUser(input.config, surroundings)
    const folders = await makeFolders(input.config, input.session, user)
    const journal = await Journal.open(join(folders.helix, 'journal.jsonl'))
    const { config, session, log } = input
    const noDesktop = await whyNoDesktop(session.desktop, config, user)
    const supervisor = new Supervisor({ ...input, folders, journal, user, surroundings, noDesktop })
    const { linkSecret: secret, machineToken } = session
    const server = input.slot?.server ?? null
    const { machine, desktop, tools } = supervisor.parts
    const handlers = { handler: supervisor, machine, desktop }
    await tools.open()
    supervisor.link = await listen({ port: config.linkPort, server, secret, log, ...handlers, machineToken })
    return supervisor
  }

  get port(): number {
    return this.link?.port ?? 0
  }

  /** Brings working copies and agent up, both at once. A failure is told over the link and leaves the supervisor running, so that it is seen. */
  async run(): Promise<void> {
    const { stages, log, state, agent, offers, recorder } = this.parts
    const { config, session, user } = this.input
    await offers.begin()
    this.tellSurroundings()
    if (session.patient) await Promise.race([this.told.promise, sleep(patienceMs, undefined, { ref: false })])
    if (this.ending) return
    this.parts.docker.start()
    const started = performance.now()
    try {
      if (session.nameservers.length > 0) await useNameservers(session.nameservers)
      const prepared = prepareWorkspace({ config, session, user, state, stages, log })
      // The agent waits for a start-up script, which may bring what it is started with, and for what it is to remember.
      const launched = this.startUp(prepared).then(() => stages.time('agent start', () => agent.launch()))
      const [handshake, workspace] = await both(launched, prepared)
      await offers.clones(workspace.copies)
      this.parts.workspace = workspace
      for (const text of workspace.restored?.sentences() ?? []) recorder.notice(text)
      await stages.time('agent session', () => agent.openOrAgain(handshake))
      stages.list.push({ name: 'ready', durationMs: Math.round(performance.now() - started) })
      this.status = { state: 'ready', message: null }
      log.info('ready', { stages: stages.list })
      this.parts.turns.begin()
    } catch (error) {
      if (this.ending) return
      log.warn('the session cannot start', { reason: reasonOf(error) })
      const reason = this.parts.redactor.text(reasonOf(error))
      this.status = { state: 'broken', message: reason }
      this.parts.turns.breakOff(reason)
    }
    this.report()
  }

  /** Once for each image. */
  private tellSurroundings(): void {
    const { sentences, lacks } = this.input.surroundings
    if (lacks !== '') this.parts.stages.list.push({ name: `image without ${lacks}`, durationMs: 0 })
    if (sentences.length === 0 || !this.parts.state.setImageTold(sentences.join(' '))) return
    this.parts.recorder.notice(sentences.join(' '))
  }

  private async startUp(prepared: Promise<Workspace>): Promise<void> {
    const { recorder, stages, docker, state, offers } = this.parts
    const { session, user, config, folders } = this.input
    if (session.startUp === null && restorable(session, state) === null) return
    const { copies } = await prepared
    if (session.startUp === null) return
    await docker.settled
    const env = docker.environment
    const went = await stages.time('start-up script', () =>
      reportStartUp({ session, user, cwd: folders.cwd, runDir: config.runDir, env, recorder, signal: this.over.signal }),
    )
    if (went) await offers.layers(copies)
  }

  connected(connection: Connection): void {
    this.parts.feed.attach(connection)
  }

  received(frame: SupervisorDown): void {
    switch (frame.type) {
      case 'prompt':
        this.parts.turns.receive(frame)
        break
      case 'cancel':
        this.parts.turns.cancel(frame.promptId)
        break
      case 'answer':
        this.parts.permissions.answer(frame.answer)
        break
      case 'prepare':
        this.told.resolve()
        break
      case 'ack':
        this.input.journal.skipTo(frame.upTo)
        this.parts.state.setAcknowledged(frame.upTo)
        break
      case 'kept':
        this.parts.offers.kept(frame.what)
        break
      case 'notice':
        this.parts.recorder.notice(frame.text)
        break
      case 'stop':
        this.stopped()
    }
  }

  /** Ends the agent, tells the host what is not told yet, and closes. An unfinished prompt stays unfinished. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.ending = true
    this.told.resolve()
    this.over.abort()
    this.parts.turns.end()
    await this.parts.agent.stop(agentGraceMs)
    this.parts.recorder.endTurn()
    await this.parts.machine.closeAll()
    await this.parts.tools.close()
    await this.parts.desktop.stop()
    // A session that never got ready has nothing of its own yet.
    if (this.status.state === 'ready') await this.parts.work.atEnd()
    await this.parts.feed.drain(1000)
    await this.link?.[Symbol.asyncDispose]()
    this.parts.docker.stop()
    this.parts.state.save()
    this.input.journal.close()
  }

  private report(): void {
    if (this.ending) return
    const busy = this.status.state === 'ready' && this.parts.turns?.running != null
    this.parts.feed.setStatus({
      state: busy ? 'busy' : this.status.state,
      message: this.status.message,
      agentPid: this.parts.agent?.pid ?? null,
      stages: this.parts.stages.list,
      running: this.parts.stages.running,
      desktop: this.parts.desktop.running,
    })
    if (!busy) this.parts.state.save()
  }
}

export interface SupervisorInput {
  config: Config
  session: SessionFile
  log: Log
  /** What waited for the session; absent: it was started for it. */
  slot?: Pick<Slot, 'server' | 'engine' | 'pty'> | null
  /** The host asks the supervisor to end. */
  stopped(): void
}

/** Both results, or the first failure after both have ended. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second])
  return Promise.all([first, second])
}
