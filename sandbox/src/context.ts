import { availableParallelism } from 'node:os'
import { hostProtocol } from '@helix/contract/enrolment'
import type { HostCheck, HostUp } from '@helix/contract/link'
import type { Logger } from 'pino'
import { CloneCache } from './caches/clones.ts'
import { LayerCache } from './caches/layers.ts'
import { SelfCheck } from './checks/self-check.ts'
import type { Config } from './config.ts'
import { DescriptorWatch } from './descriptors.ts'
import { usageOf } from './disk/usage.ts'
import { DiskWatch } from './disk/watch.ts'
import { Egress } from './egress/egress.ts'
import type { Engine } from './engine/engine.ts'
import { Credential } from './enrolment/credential.ts'
import { Garbage } from './garbage/garbage.ts'
import type { Host } from './host.ts'
import { type Identity, loadIdentity } from './identity.ts'
import { ClosedImages } from './images/closed.ts'
import { Images } from './images/images.ts'
import { SessionKit } from './images/kit.ts'
import type { Footing } from './ladder/ladder.ts'
import { type ControlPlane, createControlPlane } from './link/control-plane.ts'
import { HostLink } from './link/host-link.ts'
import { HostLog } from './log/host-log.ts'
import { type MachineLimits, Monitor } from './monitor.ts'
import { packPrefix } from './packs/catalogue.ts'
import { PackInstaller } from './packs/installer.ts'
import { NpmSource, type PackSource } from './packs/npm.ts'
import { Evictables } from './pressure/evictables.ts'
import { Pressure } from './pressure/pressure.ts'
import { Relief } from './pressure/relief.ts'
import { reasonOf } from './reason.ts'
import { desktopsOf } from './recording/desktops.ts'
import { Recordings } from './recording/recordings.ts'
import { type Certificates, readCertificates } from './sessions/certificates.ts'
import { Homecoming } from './sessions/homecoming.ts'
import { type Owner, ownerLabels } from './sessions/names.ts'
import { Preparations } from './sessions/preparations.ts'
import { Registry } from './sessions/registry.ts'
import { startSoon } from './sessions/start.ts'
import { fenceSession } from './sessions/stop.ts'
import { Suspensions } from './sessions/suspensions.ts'
import { HostStreams } from './stream/host-streams.ts'
import { Tunnels } from './tunnels/tunnels.ts'
import { SlotLedger } from './warm/ledger.ts'
import { WarmPool } from './warm/pool.ts'
import { SlotEngine } from './warm/slot-engine.ts'

export interface PackParts {
  source: PackSource
  prefix: string
}

const npmPacks = (config: Config): PackParts => ({ source: new NpmSource(config.npmEnvironment), prefix: packPrefix })

/** Everything this process is made of. */
export class Context implements Host {
  readonly config: Config
  readonly log: Logger
  readonly identity: Identity
  readonly owner: Owner
  readonly engine: Engine
  readonly controlPlane: ControlPlane
  readonly packs: PackInstaller
  readonly images: Images
  readonly kit: SessionKit
  readonly layers: LayerCache
  readonly clones: CloneCache
  readonly certificates: Certificates
  readonly egress: Egress
  readonly registry: Registry
  readonly preparations = new Preparations(availableParallelism())
  readonly monitor: Monitor
  readonly credential: Credential
  readonly selfCheck: SelfCheck
  readonly homecoming: Homecoming
  readonly suspensions: Suspensions
  readonly disks: DiskWatch
  /** What can be given up when room runs out; whoever keeps a cache registers it. */
  readonly evictables: Evictables
  readonly pressure: Pressure
  readonly descriptors: DescriptorWatch
  readonly slots: SlotLedger
  readonly warm: WarmPool
  readonly garbage: Garbage
  /** The desktops of the sessions here. */
  readonly streams: HostStreams
  /** Null until `record`. */
  recordings: Recordings | null = null
  /** What administrators read of the log. */
  hostLog = new HostLog()
  /** Null until `dial`. */
  link: HostLink | null = null
  private tunnels: Tunnels | null = null
  /** Called when reports or placement may be others. */
  changed: () => void = () => undefined
  private readonly end = new AbortController()

  private constructor(
    config: Config,
    log: Logger,
    identity: Identity,
    certificates: Certificates,
    credential: Credential,
    slots: SlotLedger,
    parts: PackParts,
  ) {
    const { hostId, bootId } = identity
    this.config = config
    this.log = log
    this.identity = identity
    this.certificates = certificates
    this.owner = { installation: config.installation, hostId }
    this.credential = credential
    this.slots = slots
    this.engine = new SlotEngine(config.dockerHost, slots)
    this.controlPlane = createControlPlane({ url: config.controlPlaneUrl, token: credential.token, hostId, bootId })
    const { opened, nameservers, allowUnfiltered } = config.egress
    this.egress = new Egress({ owner: this.owner, opened, nameservers, stateDir: config.stateDir, stemOf: (id) => slots.stemOf(id) })
    const { image } = config.session
    const labels = { ...ownerLabels(this.owner), 'helix.boot': bootId }
    this.packs = new PackInstaller({ engine: this.engine, image, ...parts, labels, log })
    this.kit = new SessionKit({ engine: this.engine, owner: this.owner, image, labels, log })
    const caches = {
      engine: this.engine,
      owner: this.owner,
      image,
      labels,
      stateDir: config.stateDir,
      free: () => this.monitor.free(),
      log,
    }
    this.layers = new LayerCache({ ...caches, budgetBytes: config.layerBudgetBytes })
    this.clones = new CloneCache({ ...caches, budgetBytes: config.cloneBudgetBytes })
    this.registry = new Registry(() => this.changed())
    this.monitor = new Monitor({
      engine: this.engine,
      image,
      labels,
      bootId,
      allowUnsafe: config.allowUnsafeInnerDocker,
      strongest: config.strongestRung,
      capacity: config.capacity,
      memoryFactor: config.memoryFactor,
      hostLabels: config.labels,
      most: config.most,
      stateDir: config.stateDir,
      reserves: config.reserves,
      dockerHost: config.dockerHost,
      egress: this.egress,
      allowUnfiltered,
      log,
    })
    this.selfCheck = new SelfCheck(this, config.controlPlaneUrl)
    this.homecoming = new Homecoming(this, () => this.changed())
    this.suspensions = new Suspensions(this)
    this.disks = new DiskWatch(this, { free: () => this.monitor.free(), usageOf })
    this.descriptors = new DescriptorWatch(log)
    this.evictables = new Evictables(log)
    this.garbage = new Garbage(this)
    this.images = new Images({
      engine: this.engine,
      hostName: config.name,
      ledger: this.garbage.ledger,
      closed: new ClosedImages(config.stateDir),
      log,
    })
    this.pressure = new Pressure({
      measure: () => this.monitor.gauges(),
      evictables: this.evictables,
      relief: new Relief({
        host: this,
        attended: (sessionId) => this.streams.attended(sessionId) || (this.tunnels?.attended(sessionId) ?? false),
        usedBy: (sessionId) => this.disks.usedBy(sessionId),
      }),
      log,
      changed: () => this.changed(),
    })
    this.warm = new WarmPool(this, {
      most: config.warmSessions,
      room: () => this.monitor.capacity - this.registry.size,
      packs: () => this.packs.volumes(),
    })
    this.streams = new HostStreams(this, () => this.changed())
    this.evictables.register(this.warm, this.kit, this.clones, this.layers)
  }

  /** `parts`: where agent packs come from and what their volumes are called; tests have their own. */
  static async open(config: Config, version: string, log: Logger, parts?: PackParts): Promise<Context> {
    const identity = await loadIdentity(config.stateDir)
    const { hostId, bootId } = identity
    const own = log.child({ hostId, bootId })
    const { controlPlaneUrl: url, runnerToken, credentialDays: lastsDays, name, stateDir } = config
    const credential = await Credential.open({ url, runnerToken, hostId, name, version, stateDir, lastsDays, log: own })
    const certificates = await readCertificates(config.certificates)
    return new Context(config, own, identity, certificates, credential, await SlotLedger.open(stateDir), parts ?? npmPacks(config))
  }

  get ending(): AbortSignal {
    return this.end.signal
  }

  /** Begins to keep the link to the control plane. */
  dial(version: string): void {
    const { hostId, bootId } = this.identity
    const { controlPlaneUrl: url } = this.config
    const { registry, log, credential } = this
    const { token } = credential
    this.streams.listen()
    const tunnels = new Tunnels({
      ...{ url, token, hostId, registry, log },
      send: (frame) => this.send(frame),
      carryStream: (bytes) => this.streams.carry(bytes),
    })
    this.tunnels = tunnels
    this.link = new HostLink({
      url,
      token,
      prepare: () => credential.ready(),
      hello: { type: 'hello', hostId, name: this.config.name, bootId, version, protocol: hostProtocol },
      log: this.log,
      handler: {
        rotate: () => void credential.rotate('now'),
        refused: () =>
          void credential.refused().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'the credential is not kept')),
        welcomed: ({ awayMs, sessionUrl, ...rest }) => {
          this.streams.welcomed(rest)
          this.homecoming.awayFor(awayMs)
          this.selfCheck.sessionUrl = sessionUrl
          this.settle()
          for (const { journal } of this.registry.all()) journal.resend()
          this.changed()
        },
        acknowledged: (sessionId, upTo) => this.registry.find(sessionId)?.journal.acknowledged(upTo),
        answered: (sessionId, answer) => this.registry.find(sessionId)?.link.answer(answer),
        dialled: (frame) => {
          this.preparations.stir(frame.sessionId)
          tunnels.dial(frame)
        },
        picturesWanted: (frame) => this.streams.pictures.want(frame),
        unseated: (seat) => this.streams.unseat(seat),
        streamDialled: (tunnelId) => tunnels.dialStream(tunnelId),
        logsAsked: ({ type, requestId, ...query }) => {
          const secrets = [this.config.runnerToken, credential.token()]
          this.send({ type, requestId, answer: this.hostLog.read(bootId, query, secrets) })
        },
        announced: (frame) => void startSoon(this, frame),
        fenced: (sessionId, epoch) => {
          fenceSession(this, sessionId, epoch).catch((error: unknown) =>
            this.log.warn({ sessionId, reason: reasonOf(error) }, 'a fenced session cannot be removed yet'),
          )
        },
      },
    })
  }

  /** Takes up what an earlier boot recorded and did not send, and begins to record. */
  async record(): Promise<void> {
    const { controlPlaneUrl: url, recordingSpoolBytes: budgetBytes, stateDir } = this.config
    const { controlPlane, credential, log, registry } = this
    const recordings = await Recordings.open({
      ...{ stateDir, budgetBytes, url, controlPlane, log },
      token: () => credential.token(),
      hostId: this.identity.hostId,
      desktops: desktopsOf(registry, this.streams.streams),
      sessions: () => registry.all(),
    }).catch((error: unknown) => {
      log.warn({ reason: reasonOf(error) }, 'this host records nothing: its folder for recordings cannot be used')
      return null
    })
    this.recordings = recordings
    // What cannot be made again goes last.
    if (recordings !== null) this.evictables.register(recordings.spool)
  }

  footing(): Footing {
    return this.monitor.footing()
  }

  largest(): MachineLimits {
    return this.monitor.largest
  }

  /** In the background: the next look goes on where it fails. */
  private settle(): void {
    if (!this.monitor.engineThere) return
    this.homecoming.settle().catch((error: unknown) => this.log.warn({ reason: reasonOf(error) }, 'cannot look yet at what went elsewhere'))
  }

  /** Why no session is taken here; null: all is well. */
  get problem(): string | null {
    return this.monitor.condition.problem ?? this.pressure.problem ?? this.selfCheck.problem
  }

  refusal(): string | null {
    const { problem } = this
    const { capacity } = this.monitor
    if (!this.homecoming.settled) return `The host ${this.config.name} is coming back.`
    if (problem !== null) return problem
    if (this.registry.size < capacity) return null
    return `The host ${this.config.name} runs as many sessions as it takes (${capacity}).`
  }

  /** What this host found about itself. */
  get checks(): HostCheck[] {
    return [...this.monitor.checks, ...this.pressure.checks, ...this.descriptors.checks, ...this.selfCheck.checks]
  }

  send(frame: HostUp): boolean {
    return this.link?.send(frame) ?? false
  }

  /** For what may be lost. */
  sendBytes(bytes: Uint8Array): boolean {
    return this.link?.sendBytes(bytes) ?? false
  }

  tellReport(): void {
    this.link?.setReport({
      type: 'report',
      ...this.monitor.condition,
      problem: this.problem,
      checks: this.checks,
      pressure: this.pressure.state,
      pressureEvents: [...this.pressure.events],
      ...(this.descriptors.now === null ? {} : { descriptors: this.descriptors.now }),
      running: this.registry.size,
      ...this.streams.report,
      packs: this.packs.list(),
    })
  }

  /** From now on turns end as lost, to be joined by the next boot. */
  beginEnd(): void {
    this.end.abort()
  }

  /** Containers keep running. */
  async close(): Promise<void> {
    this.link?.close()
    await this.recordings?.close()
    await this.streams.close()
    this.tunnels?.closeAll()
    await this.egress.close()
    for (const session of this.registry.all()) session.leave('The sandbox host ends.', 'left')
  }
}
