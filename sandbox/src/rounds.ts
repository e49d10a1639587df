import type { Context } from './context.ts'
import { defaultRuntime } from './packs/catalogue.ts'
import { pause } from './pause.ts'
import { reasonOf } from './reason.ts'
import { Collector } from './sessions/collector.ts'
import { sessionNetworks } from './sessions/network.ts'
import { tellStarted } from './sessions/start.ts'

/** Units: milliseconds. */
const lookEveryMs = 5000
const diskEveryMs = 2000
const pressureEveryMs = 2000
const collectEveryMs = 30_000
const warmEveryMs = 500
const garbageEveryMs = 600_000
const packRetryMs = 60_000
const prefetchEveryMs = 60_000
const recordEveryMs = 1000
const recordedEveryMs = 15_000

const rulesLaidAgain =
  'The rules that keep this session from other networks had been removed on its host, for some seconds. They stand again.'

/** What this process does again and again, until it ends. */
export class Rounds {
  private readonly context: Context
  private readonly collector: Collector
  private readonly running: Promise<void>[] = []
  private packs: Promise<void> | null = null
  private garbageAt = Number.NEGATIVE_INFINITY

  constructor(context: Context) {
    this.context = context
    this.collector = new Collector(context)
  }

  begin(): void {
    this.running.push(this.each(lookEveryMs, () => this.look()))
    this.running.push(this.each(collectEveryMs, () => this.collect()))
    this.running.push(this.each(lookEveryMs, () => this.inCalm(() => this.tellRefusals())))
    this.running.push(this.each(diskEveryMs, () => this.inCalm(() => this.context.disks.look())))
    this.running.push(this.each(pressureEveryMs, () => this.context.pressure.look()))
    this.running.push(this.each(lookEveryMs, () => this.context.suspensions.tell()))
    this.running.push(this.each(lookEveryMs, () => this.lookAtItself()))
    this.running.push(this.each(warmEveryMs, () => this.keepWarm()))
    this.running.push(this.each(prefetchEveryMs, () => this.prefetch()))
    this.running.push(this.each(recordedEveryMs, async () => this.context.recordings?.ask()))
    this.running.push(this.each(recordEveryMs, async () => this.context.recordings?.look()))
  }

  /** Resolves when no round runs any more. */
  async ended(): Promise<void> {
    await Promise.all(this.running)
  }

  private async each(everyMs: number, work: () => Promise<void>): Promise<void> {
    const { ending, log } = this.context
    while (!ending.aborted) {
      await work().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'a round failed; the next one follows'))
      await pause(everyMs, ending)
    }
  }

  /** The round is left out while many sessions begin at once. */
  private async inCalm(work: () => Promise<void>): Promise<void> {
    if (!this.context.preparations.rush) await work()
  }

  private async look(): Promise<void> {
    const { context } = this
    const { cameBack } = await context.monitor.check()
    if (cameBack) context.homecoming.adoptAgain()
    // Without a control plane nobody knows what lives elsewhere.
    if (context.link?.welcomed && context.monitor.engineThere) await context.homecoming.settle()
    if (context.monitor.condition.problem === null) this.packs ??= this.installPacks()
    for (const { journal } of context.registry.all()) journal.tick()
    context.changed()
  }

  private async lookAtItself(): Promise<void> {
    await this.context.selfCheck.look()
    await this.context.descriptors.look()
    await this.context.credential.rotate('due')
    this.context.changed()
  }

  /** Not while something is wrong, nor before it is known what lives elsewhere. */
  private async keepWarm(): Promise<void> {
    const { homecoming, problem, warm } = this.context
    if (homecoming.settled && problem === null) await warm.look()
  }

  private async tellRefusals(): Promise<void> {
    const { egress, engine, owner, registry, log } = this.context
    if (!egress.filtered) return
    if (await egress.stand()) {
      log.warn('somebody removed the rules that keep sessions from networks of this machine; they are laid again')
      for (const { link } of registry.all()) link.notice(rulesLaidAgain)
    }
    for (const [sessionId, line] of await egress.look(await sessionNetworks(engine, owner))) registry.find(sessionId)?.link.notice(line)
  }

  private async collect(): Promise<void> {
    // The first round waits for the first look; without an engine or a control plane nothing is removed.
    if (this.context.monitor.condition.rung === 'unknown' || !this.context.link?.welcomed) return
    await this.collector.collect()
    await tellStarted(this.context, this.collector.living)
    await this.context.garbage.collectImages(this.collector.wantedImages)
    if (Date.now() - this.garbageAt < garbageEveryMs) return
    this.garbageAt = Date.now()
    await this.context.garbage.collect()
    for (const cache of [this.context.layers, this.context.clones]) await cache.collect()
  }

  /** Images of projects, and the kit that they are started with, before a session needs them. */
  private async prefetch(): Promise<void> {
    const { controlPlane, images, kit, link, ending } = this.context
    // Nothing is fetched while room runs out.
    if (!link?.welcomed || this.context.problem !== null) return
    const { images: named, closedImages } = await controlPlane.wanted()
    // What a registry shows only to who signs in is fetched by the first session, which brings what is needed for it.
    const wanted = named?.filter((image) => !closedImages.includes(image)) ?? []
    if (wanted.length === 0) return
    await kit.ensure()
    await images.prefetch(wanted, ending)
  }

  /** In the background: the first session need not wait for its agent. */
  private async installPacks(): Promise<void> {
    const { packs, ending, log } = this.context
    while (!ending.aborted) {
      try {
        await packs.discover()
        this.context.changed()
        await packs.ensure(defaultRuntime)
        return this.context.changed()
      } catch (error) {
        log.warn({ reason: reasonOf(error) }, 'the default agent pack cannot be installed; trying again in a minute')
        await pause(packRetryMs, ending)
      }
    }
  }
}
