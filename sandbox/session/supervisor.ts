import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionFile, SupervisorDown } from '@helix/contract/link'
import { fromRecipe } from './agent/from-recipe.ts'
import { AgentKeeper } from './agent/keeper.ts'
import { Permissions } from './agent/permissions.ts'
import { restorable } from './checkpoint/restore.ts'
import type { Config } from './config.ts'
import { Entrance } from './desktop/entrance.ts'
import { desktopEnvironment, placeOf, whyNoDesktop } from './desktop/place.ts'
import { AgentTools } from './hands/agent-tools.ts'
import { settleIn } from './image/settle.ts'
import type { Surroundings } from './image/surroundings.ts'
import { InnerDocker } from './inner-docker.ts'
import { useNameservers } from './inner-network.ts'
import { Journal } from './journal/journal.ts'
import { Recorder } from './journal/recorder.ts'
import { KeptWork } from './kept-work.ts'
import { Feed } from './link/feed.ts'
import { type Connection, type LinkHandler, type LinkServer, listen } from './link/server.ts'
import { type Log, reasonOf, redacting } from './log.ts'
import { Machine } from './machine/machine.ts'
import { Offers } from './offers.ts'
import { Redactor } from './redactor.ts'
import { environmentOf } from './secrets.ts'
import type { Slot } from './slot.ts'
import { Stages } from './stages.ts'
import { reportStartUp } from './start-up.ts'
import { State } from './state.ts'
import { TurnRunner } from './turn/runner.ts'
import { Turns } from './turn/turns.ts'
import { type AgentUser, createAgentUser } from './user.ts'
import { makeFolders, prepareWorkspace, type Workspace } from './workspace.ts'

/** Units: milliseconds. */
const agentGraceMs = 5000
/** Units: milliseconds. A host that says nothing by then is on its way to us, or of another version. */
const patienceMs = 5000

type Status = { state: 'preparing' | 'ready' | 'broken'; message: string | null }

/** Everything of one start of one session. */
export class Supervisor implements LinkHandler, AsyncDisposable {
  private readonly config: Config
  private readonly session: SessionFile
  private readonly log: Log
  private readonly user: AgentUser
  private readonly journal: Journal
  private readonly state: State
  private readonly stages = new Stages(() => {
    if (this.status.state === 'preparing') this.report()
  })
  private readonly feed: Feed
  private readonly recorder: Recorder
  private readonly redactor: Redactor
  private readonly cwd: string
  private readonly over = new AbortController()
  private readonly agent: AgentKeeper
  private readonly permissions: Permissions
  private readonly turns: Turns
  private readonly machine: Machine
  private readonly stopped: () => void
  private readonly work: KeptWork
  private workspace: Workspace = { copies: [], specs: null, restored: null }
  private link: LinkServer | null = null
  private readonly docker: InnerDocker
  private readonly offers: Offers
  private readonly surroundings: Surroundings
  private readonly desktop: Entrance
  private readonly tools: AgentTools
  private status: Status = { state: 'preparing', message: null }
  private ending = false
  /** The host says that it is time to prepare. */
  private readonly told = Promise.withResolvers<void>()

  private constructor(
    input: SupervisorInput & {
      folders: { helix: string; agentState: string; cwd: string }
      journal: Journal
      user: AgentUser
      surroundings: Surroundings
      noDesktop: string | null
    },
  ) {
    const { config, session, folders, journal, user } = input
    this.config = config
    this.session = session
    this.cwd = folders.cwd
    this.surroundings = input.surroundings
    this.redactor = new Redactor([{ name: 'the session’s token', value: session.token }, ...session.secrets])
    const log = redacting(input.log, this.redactor)
    this.log = log
    this.user = user
    this.journal = journal
    this.stopped = input.stopped
    this.state = new State(join(folders.helix, 'state.json'))
    journal.skipTo(this.state.acknowledged)
    const { turn } = session.kept
    if (turn !== null) journal.remember(turn.promptId, turn.end)
    this.feed = new Feed({ journal, sessionId: session.sessionId, epoch: session.epoch, acknowledged: () => this.state.acknowledged })
    this.recorder = new Recorder(journal, this.redactor)
    this.permissions = new Permissions({
      mode: session.permissionMode,
      promptId: () => this.turns.running,
      write: (payload) => this.recorder.event(payload),
      find: (requestId) => journal.request(requestId),
      notice: (text) => this.recorder.notice(text),
    })
    this.docker = new InnerDocker({
      kind: input.surroundings.dockerd ? session.innerDocker : 'none',
      waited: input.slot?.engine ?? null,
      user,
      stages: this.stages,
      log,
      notice: (text) => this.recorder.notice(text),
    })
    this.desktop = new Entrance({
      place: placeOf(config, user, session.desktop),
      refusal: input.noDesktop,
      env: this.personalEnvironment(input.noDesktop),
      encoder: config.desktopEncoder,
      log,
      began: () => this.report(),
    })
    this.tools = new AgentTools({ config, user, desktop: this.desktop, recorder: this.recorder, log })
    this.offers = new Offers({ session, docker: this.docker, feed: this.feed, log })
    // Who asked was an agent of an earlier start.
    this.permissions.voidAll(journal.openRequests())
    this.agent = this.createAgent(folders)
    this.work = new KeptWork({
      session,
      state: this.state,
      agentState: folders.agentState,
      redactor: this.redactor,
      log,
      kept: (checkpoint) => void journal.append(checkpoint),
      recorder: this.recorder,
      workspace: () => this.workspace,
    })
    const runner = new TurnRunner({
      journal,
      recorder: this.recorder,
      agent: this.agent,
      log,
      afterTurn: (cancelled, promptId) => this.work.afterTurn(cancelled, promptId),
      cancelling: () => this.permissions.cancelAll(),
      beat: (promptId) => this.feed.heartbeat(promptId),
    })
    this.turns = new Turns({ journal, runner, audience: this.feed, log, changed: () => this.report() })
    this.machine = new Machine({
      place: { user, cwd: folders.cwd, env: this.personalEnvironment() },
      workspace: config.workspace,
      recordings: join(folders.helix, 'terminals'),
      port: () => this.port,
      pty: input.slot?.pty ?? null,
      redactor: this.redactor,
      log,
    })
  }

  /** What a person's shell has, and the agent too. */
  private personalEnvironment(noDesktop = this.desktop.refusal): Record<string, string> {
    const desktop = noDesktop === null ? desktopEnvironment(this.config) : {}
    return { ...desktop, ...environmentOf(this.session.secrets, 'environment'), ...this.docker.environment }
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
    const handlers = { handler: supervisor, machine: supervisor.machine, desktop: supervisor.desktop }
    await supervisor.tools.open()
    supervisor.link = await listen({ port: config.linkPort, server, secret, log, ...handlers, machineToken })
    return supervisor
  }

  get port(): number {
    return this.link?.port ?? 0
  }

  /** Brings working copies and agent up, both at once. A failure is told over the link and leaves the supervisor running, so that it is seen. */
  async run(): Promise<void> {
    const { stages, log } = this
    const { config, session, user, state } = this
    await this.offers.begin()
    this.tellSurroundings()
    if (session.patient) await Promise.race([this.told.promise, sleep(patienceMs, undefined, { ref: false })])
    if (this.ending) return
    this.docker.start()
    const started = performance.now()
    try {
      if (session.nameservers.length > 0) await useNameservers(session.nameservers)
      const prepared = prepareWorkspace({ config, session, user, state, stages, log })
      // The agent waits for a start-up script, which may bring what it is started with, and for what it is to remember.
      const launched = this.startUp(prepared).then(() => stages.time('agent start', () => this.agent.launch()))
      const [handshake, workspace] = await both(launched, prepared)
      await this.offers.clones(workspace.copies)
      this.workspace = workspace
      for (const text of workspace.restored?.sentences() ?? []) this.recorder.notice(text)
      await stages.time('agent session', () => this.agent.openOrAgain(handshake))
      stages.list.push({ name: 'ready', durationMs: Math.round(performance.now() - started) })
      this.status = { state: 'ready', message: null }
      log.info('ready', { stages: stages.list })
      this.turns.begin()
    } catch (error) {
      if (this.ending) return
      log.warn('the session cannot start', { reason: reasonOf(error) })
      const reason = this.redactor.text(reasonOf(error))
      this.status = { state: 'broken', message: reason }
      this.turns.breakOff(reason)
    }
    this.report()
  }

  /** Once for each image. */
  private tellSurroundings(): void {
    const { sentences, lacks } = this.surroundings
    if (lacks !== '') this.stages.list.push({ name: `image without ${lacks}`, durationMs: 0 })
    if (sentences.length === 0 || !this.state.setImageTold(sentences.join(' '))) return
    this.recorder.notice(sentences.join(' '))
  }

  private async startUp(prepared: Promise<Workspace>): Promise<void> {
    const { session, user, cwd, config, recorder, stages } = this
    if (session.startUp === null && restorable(session, this.state) === null) return
    const { copies } = await prepared
    if (session.startUp === null) return
    await this.docker.settled
    const env = this.docker.environment
    const went = await stages.time('start-up script', () =>
      reportStartUp({ session, user, cwd, runDir: config.runDir, env, recorder, signal: this.over.signal }),
    )
    if (went) await this.offers.layers(copies)
  }

  connected(connection: Connection): void {
    this.feed.attach(connection)
  }

  received(frame: SupervisorDown): void {
    switch (frame.type) {
      case 'prompt':
        this.turns.receive(frame)
        break
      case 'cancel':
        this.turns.cancel(frame.promptId)
        break
      case 'answer':
        this.permissions.answer(frame.answer)
        break
      case 'prepare':
        this.told.resolve()
        break
      case 'ack':
        this.journal.skipTo(frame.upTo)
        this.state.setAcknowledged(frame.upTo)
        break
      case 'kept':
        this.offers.kept(frame.what)
        break
      case 'notice':
        this.recorder.notice(frame.text)
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
    this.turns.end()
    await this.agent.stop(agentGraceMs)
    this.recorder.endTurn()
    await this.machine.closeAll()
    await this.tools.close()
    await this.desktop.stop()
    // A session that never got ready has nothing of its own yet.
    if (this.status.state === 'ready') await this.work.atEnd()
    await this.feed.drain(1000)
    await this.link?.[Symbol.asyncDispose]()
    this.docker.stop()
    this.state.save()
    this.journal.close()
  }

  private createAgent(folders: { agentState: string; cwd: string }): AgentKeeper {
    const { config, session, user, log, recorder, state } = this
    const env = this.personalEnvironment()
    return new AgentKeeper({
      ...fromRecipe({ session, packs: config.packs, stateFolder: folders.agentState, env }),
      user,
      redactor: this.redactor,
      cwd: folders.cwd,
      state,
      mcpServers: this.tools.servers,
      log,
      events: {
        update: (update) => recorder.record(update),
        ask: (question) => this.permissions.ask(question),
        elicit: (form) => this.permissions.elicit(form),
      },
      changed: () => {
        if (this.agent?.pid == null) this.permissions.voidAll()
        this.report()
      },
      lost: () => recorder.notice('The agent could not load its earlier conversation and began a new one.'),
    })
  }

  private report(): void {
    if (this.ending) return
    const busy = this.status.state === 'ready' && this.turns?.running != null
    this.feed.setStatus({
      state: busy ? 'busy' : this.status.state,
      message: this.status.message,
      agentPid: this.agent?.pid ?? null,
      stages: this.stages.list,
      running: this.stages.running,
      desktop: this.desktop.running,
    })
    if (!busy) this.state.save()
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
