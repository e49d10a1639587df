import { join } from 'node:path'
import type { SessionFile } from '@helix/contract/link'
import { fromRecipe } from './agent/from-recipe.ts'
import { AgentKeeper } from './agent/keeper.ts'
import { outsideServers } from './agent/outside-servers.ts'
import { Permissions } from './agent/permissions.ts'
import type { Config } from './config.ts'
import { Entrance } from './desktop/entrance.ts'
import { desktopEnvironment, placeOf } from './desktop/place.ts'
import { AgentTools } from './hands/agent-tools.ts'
import type { Surroundings } from './image/surroundings.ts'
import { InnerDocker } from './inner-docker.ts'
import type { Journal } from './journal/journal.ts'
import { Recorder } from './journal/recorder.ts'
import { KeptWork } from './kept-work.ts'
import { Feed } from './link/feed.ts'
import { type Log, redacting } from './log.ts'
import { Machine } from './machine/machine.ts'
import { Offers } from './offers.ts'
import { Redactor } from './redactor.ts'
import { environmentOf } from './secrets.ts'
import type { Slot } from './slot.ts'
import { Stages } from './stages.ts'
import { State } from './state.ts'
import { TurnRunner } from './turn/runner.ts'
import { Turns } from './turn/turns.ts'
import type { AgentUser } from './user.ts'
import type { Workspace } from './workspace.ts'

export interface PartsInput {
  config: Config
  session: SessionFile
  log: Log
  slot?: Pick<Slot, 'server' | 'engine' | 'pty'> | null
  folders: { helix: string; agentState: string; cwd: string }
  journal: Journal
  user: AgentUser
  surroundings: Surroundings
  noDesktop: string | null
}

interface Heard {
  /** What a status tells is another. */
  changed(): void
  staged(): void
  /** Of the link; 0: there is none yet. */
  port(): number
}

/** What one start of a session is made of, put together and not begun. */
export class Parts {
  readonly log: Log
  readonly redactor: Redactor
  readonly state: State
  readonly stages: Stages
  readonly feed: Feed
  readonly recorder: Recorder
  readonly permissions: Permissions
  readonly docker: InnerDocker
  readonly desktop: Entrance
  readonly tools: AgentTools
  readonly offers: Offers
  readonly agent: AgentKeeper
  readonly work: KeptWork
  readonly turns: Turns
  readonly machine: Machine
  workspace: Workspace = { copies: [], specs: null, restored: null }
  private readonly input: PartsInput

  constructor(input: PartsInput, heard: Heard) {
    const { config, session, folders, journal, user } = input
    this.input = input
    this.redactor = new Redactor([{ name: 'the session’s token', value: session.token }, ...session.secrets])
    this.log = redacting(input.log, this.redactor)
    const { log, redactor } = this
    this.stages = new Stages(heard.staged)
    this.state = new State(join(folders.helix, 'state.json'))
    this.feed = new Feed({ journal, sessionId: session.sessionId, epoch: session.epoch, acknowledged: () => this.state.acknowledged })
    this.recorder = new Recorder(journal, redactor)
    this.permissions = this.createPermissions()
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
      env: this.personalEnvironment(),
      encoder: config.desktopEncoder,
      log,
      began: heard.changed,
    })
    this.tools = new AgentTools({ config, user, desktop: this.desktop, recorder: this.recorder, log })
    this.offers = new Offers({ session, docker: this.docker, feed: this.feed, log })
    this.agent = this.createAgent(heard)
    this.work = this.createWork()
    this.turns = new Turns({ journal, runner: this.createRunner(), audience: this.feed, log, changed: heard.changed })
    this.machine = new Machine({
      place: { user, cwd: folders.cwd, env: this.personalEnvironment() },
      workspace: config.workspace,
      recordings: join(folders.helix, 'terminals'),
      port: heard.port,
      pty: input.slot?.pty ?? null,
      redactor,
      log,
    })
  }

  /** What a person's shell has, and the agent too. */
  private personalEnvironment(): Record<string, string> {
    const { config, session, noDesktop } = this.input
    const desktop = noDesktop === null ? desktopEnvironment(config) : {}
    return { ...desktop, ...environmentOf(session.secrets, 'environment'), ...this.docker.environment }
  }

  private createPermissions(): Permissions {
    const { journal, session } = this.input
    return new Permissions({
      mode: session.permissionMode,
      promptId: () => this.turns.running,
      write: (payload) => this.recorder.event(payload),
      find: (requestId) => journal.request(requestId),
      notice: (text) => this.recorder.notice(text),
    })
  }

  private createWork(): KeptWork {
    const { session, folders, journal } = this.input
    return new KeptWork({
      session,
      state: this.state,
      agentState: folders.agentState,
      redactor: this.redactor,
      log: this.log,
      kept: (checkpoint) => void journal.append(checkpoint),
      recorder: this.recorder,
      workspace: () => this.workspace,
    })
  }

  private createRunner(): TurnRunner {
    return new TurnRunner({
      journal: this.input.journal,
      recorder: this.recorder,
      agent: this.agent,
      log: this.log,
      afterTurn: (cancelled, promptId) => this.work.afterTurn(cancelled, promptId),
      cancelling: () => this.permissions.cancelAll(),
      beat: (promptId) => this.feed.heartbeat(promptId),
    })
  }

  private createAgent({ changed }: Heard): AgentKeeper {
    const { config, session, user, folders } = this.input
    const { recorder, redactor, state, log } = this
    return new AgentKeeper({
      ...fromRecipe({ session, packs: config.packs, stateFolder: folders.agentState, env: this.personalEnvironment() }),
      user,
      redactor,
      cwd: folders.cwd,
      state,
      mcpServers: [...this.tools.servers, ...outsideServers(session)],
      log,
      events: {
        update: (update) => recorder.record(update),
        ask: (question) => this.permissions.ask(question),
        elicit: (form) => this.permissions.elicit(form),
      },
      changed: () => {
        if (this.agent?.pid == null) this.permissions.voidAll()
        changed()
      },
      leftOut: (names) => recorder.notice(`This agent takes no MCP servers of the project: it works without ${names.join(', ')}.`),
      lost: () => recorder.notice('The agent could not load its earlier conversation and began a new one.'),
    })
  }
}
