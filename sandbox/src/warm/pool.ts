import { freemem, totalmem } from 'node:os'
import type { AgentRuntime } from '@helix/contract/agents'
import { machine } from '@helix/contract/machine'
import { digest } from '../digest.ts'
import type { Host } from '../host.ts'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'
import { reasonOf } from '../reason.ts'
import { type Mould, mouldOf, type Wanted } from '../sessions/container.ts'
import { sessionLabels } from '../sessions/names.ts'
import type { Given } from './ledger.ts'
import { makeSlot, type Recipe, removeSlot, type Slot } from './slot.ts'

/** Units: milliseconds. Who asked for another kind of machine within this time may do so again. */
const recentMs = 1_800_000
/** Kinds remembered. */
const mostKinds = 20
/** Units: milliseconds after the last start, a failure, and a shortage of memory until the next slot is made. */
const restMs = { started: 1500, failed: 30_000, short: 60_000 }
/** Of this machine's memory, what slots leave free; and what one takes. */
const freeShare = 0.15
const slotBytes = 100 * 1024 ** 2
/** Units: milliseconds between looks for slots whose sessions are gone. */
const sweepEveryMs = 60_000

export interface WarmInput {
  /** How many slots are kept ready; 0: none. */
  most: number
  /** Sessions that this host may still take. */
  room(): number
  /** Packs that are whole, by runtime. */
  packs(): ReadonlyMap<AgentRuntime, string>
  /** Units: bytes of memory that nobody uses. */
  freeBytes?(): number
}

/** One kind of machine that sessions asked for. */
interface Kind {
  wanted: Wanted
  askedAt: number
}

interface Planned {
  wanted: Wanted
  count: number
}

const usual: Wanted = { machine: machine.parse({}), egress: { mode: 'open', domains: [] }, controlPlaneUrl: 'http://localhost' }

/** Machines that wait for sessions, so that these begin at once. Nothing here is of anybody until `take`. */
export class WarmPool implements Evictable {
  readonly name = 'machines that wait for sessions'
  private readonly host: Omit<Host, 'warm'>
  private readonly input: WarmInput
  private readonly ready: Slot[] = []
  /** Taken, and not yet somebody's in the ledger. */
  private readonly inHand = new Set<string>()
  /** By mould. */
  private readonly kinds = new Map<string, Kind>()
  private readonly imageIds = new Map<string, string | null>()
  private restUntil = 0
  private sweptAt = 0
  private looking: Promise<void> | null = null

  constructor(host: Omit<Host, 'warm'>, input: WarmInput) {
    this.host = host
    this.input = input
  }

  /** How many wait now. */
  get size(): number {
    return this.ready.length
  }

  /** A machine for such a session, which nobody else gets any more; null: there is none. Whoever has it gives it to a session or discards it. */
  take(wanted: Wanted, runtime: AgentRuntime): Slot | null {
    this.restUntil = Math.max(this.restUntil, Date.now() + restMs.started)
    if (this.input.most === 0) return null
    this.remember(wanted)
    const recipe = this.recipeOf(wanted)
    const index = this.ready.findIndex((slot) => slot.recipe === recipe && slot.packs.has(runtime))
    const [slot = null] = this.ready.splice(index, index < 0 ? 0 : 1)
    if (slot !== null) this.inHand.add(slot.id)
    return slot
  }

  /** It is the session's in the ledger now. */
  given({ id }: Slot): void {
    this.inHand.delete(id)
  }

  /** It became nobody's. */
  async discard(slot: Slot): Promise<void> {
    await this.remove(slot)
    this.inHand.delete(slot.id)
  }

  /** One round, one at a time: removes what is of no use and makes at most one slot. */
  async look(now = Date.now()): Promise<void> {
    this.looking ??= this.round(now).finally(() => {
      this.looking = null
    })
    await this.looking
  }

  /** Machines that wait go before anything of a session does, and are not made again for a while. Their disks are empty. */
  async evict(short: Gauge['what']): Promise<number> {
    if (short !== 'memory') return 0
    this.restUntil = Date.now() + restMs.short
    await this.looking?.catch(() => undefined)
    const all = this.ready.splice(0)
    for (const slot of all) await this.remove(slot)
    return all.length * slotBytes
  }

  private async round(now: number): Promise<void> {
    if (now - this.sweptAt > sweepEveryMs) {
      await this.sweep()
      this.sweptAt = now
    }
    await this.findImages()
    const plan = this.plan(now)
    const kept = new Map<Recipe, number>()
    for (const slot of [...this.ready]) {
      const count = (kept.get(slot.recipe) ?? 0) + 1
      if (count <= (plan.get(slot.recipe)?.count ?? 0) && this.isCurrent(slot)) kept.set(slot.recipe, count)
      else await this.drop(slot)
    }
    if (now < this.restUntil || this.host.registry.anyBusy) return
    const missing = [...plan].find(([recipe, { count }]) => (kept.get(recipe) ?? 0) < count)
    if (missing === undefined) return
    if (this.free() - slotBytes < totalmem() * freeShare) this.restUntil = now + restMs.short
    else await this.make(missing[0], this.mouldOf(missing[1].wanted))
  }

  /** How many of each kind: the usual one and those asked for lately, the newest first, get one each in turn until there are as many as are kept. */
  private plan(now: number): Map<Recipe, Planned> {
    const recent = [...this.kinds.values()].filter(({ askedAt }) => now - askedAt < recentMs).toReversed()
    const kinds = new Map([usual, ...recent.map(({ wanted }) => wanted)].map((wanted) => [this.recipeOf(wanted), wanted]))
    const made = [...kinds].filter(([, wanted]) => this.imageIds.get(this.mouldOf(wanted).image) != null)
    const plan = new Map<Recipe, Planned>()
    const most = this.input.packs().size === 0 || made.length === 0 ? 0 : Math.min(this.input.most, this.input.room())
    for (let planned = 0; planned < most; planned++) {
      const [recipe, wanted] = made[planned % made.length] as [Recipe, Wanted]
      plan.set(recipe, { wanted, count: (plan.get(recipe)?.count ?? 0) + 1 })
    }
    return plan
  }

  private isCurrent(slot: Slot): boolean {
    return [...this.input.packs()].every(([runtime, volume]) => slot.packs.get(runtime) === volume)
  }

  private async make(recipe: Recipe, mould: Mould): Promise<void> {
    const { host } = this
    const began = Date.now()
    try {
      const slot = await makeSlot(host, mould, recipe, this.input.packs())
      this.ready.push(slot)
      host.log.info(
        { slot: slot.id, image: mould.image, durationMs: Date.now() - began, ready: this.size },
        'a machine waits for a session',
      )
    } catch (error) {
      this.restUntil = Date.now() + restMs.failed
      host.log.warn({ image: mould.image, reason: reasonOf(error) }, 'no machine can be made to wait; sessions start without')
    }
  }

  private async drop(slot: Slot): Promise<void> {
    const index = this.ready.indexOf(slot)
    // Somebody took it meanwhile.
    if (index < 0) return
    this.ready.splice(index, 1)
    await this.remove(slot)
  }

  /** What cannot be removed is still in the ledger, for the next sweep. */
  private async remove({ id }: Slot): Promise<void> {
    await removeSlot(this.host, id).catch((error: unknown) =>
      this.host.log.warn({ slot: id, reason: reasonOf(error) }, 'a machine that waited cannot be removed yet'),
    )
  }

  /** Removes slots that nobody has and this boot does not know, and forgets those of whose sessions nothing is left. */
  private async sweep(): Promise<void> {
    const known = new Set([...this.ready.map(({ id }) => id), ...this.inHand])
    for (const { id, given } of this.host.slots.list()) {
      if (given !== null) await this.forgetIfOver(id, given)
      else if (!known.has(id)) await removeSlot(this.host, id)
    }
  }

  private async forgetIfOver(id: string, { sessionId }: Given): Promise<void> {
    const { registry, engine, owner } = this.host
    if (registry.isBusy(sessionId) || registry.find(sessionId) !== undefined) return
    await registry.alone(sessionId, async () => {
      const labels = sessionLabels(owner, sessionId)
      const [volumes, containers] = await Promise.all([engine.listVolumes(labels), engine.listContainers(labels)])
      if (volumes.length + containers.length === 0) await removeSlot(this.host, id)
    })
  }

  /** A name may lead to another image by now. */
  private async findImages(): Promise<void> {
    const images = new Set([...this.kinds.values()].map(({ wanted }) => this.mouldOf(wanted).image))
    for (const image of images.add(this.host.config.session.image)) this.imageIds.set(image, await this.host.engine.imageId(image))
  }

  private mouldOf(wanted: Wanted): Mould {
    const { host } = this
    const { certificates, egress, config } = host
    return mouldOf({ footing: host.footing(), limits: config.session, largest: host.largest(), certificates, egress }, wanted)
  }

  private recipeOf(wanted: Wanted): Recipe {
    const mould = this.mouldOf(wanted)
    return fingerprint([mould, this.host.footing().innerDocker, this.imageIds.get(mould.image) ?? null])
  }

  private remember(wanted: Wanted): void {
    const kind = fingerprint(this.mouldOf(wanted))
    // At the end: the map's order is that of the asking.
    this.kinds.delete(kind)
    this.kinds.set(kind, { wanted, askedAt: Date.now() })
    const [oldest] = this.kinds.keys()
    if (this.kinds.size > mostKinds && oldest !== undefined) this.kinds.delete(oldest)
  }

  private free(): number {
    return this.input.freeBytes?.() ?? freemem()
  }
}

const fingerprint = (of: unknown): string => digest(JSON.stringify(of), 16)
