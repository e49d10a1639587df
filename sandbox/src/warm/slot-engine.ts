import { DockerEngine } from '../engine/docker-engine.ts'
import type { ContainerState, ContainerSummary, Labels, Network, Volume } from '../engine/engine.ts'
import { ownerLabels } from '../sessions/names.ts'
import type { SlotLedger } from './ledger.ts'

/** Labels that every thing of a host is made with, those of slots too. */
const lasting = Object.keys(ownerLabels({ installation: '', hostId: '' }))

/** Docker, where what was made as a warm slot and became a session's has that session's labels, in answers and in what is asked for. */
export class SlotEngine extends DockerEngine {
  private readonly ledger: Pick<SlotLedger, 'relabelled'>

  constructor(host: string, ledger: Pick<SlotLedger, 'relabelled'>) {
    super(host)
    this.ledger = ledger
  }

  override async inspectContainer(id: string): Promise<(ContainerState & ContainerSummary) | null> {
    const found = await super.inspectContainer(id)
    return found === null ? null : this.seen(found)
  }

  override async listContainers(labels: Labels): Promise<ContainerSummary[]> {
    return this.having(labels, await super.listContainers(asked(labels)))
  }

  override async listNetworks(): Promise<Network[]> {
    return (await super.listNetworks()).map((network) => this.seen(network))
  }

  override async findVolume(name: string): Promise<Volume | null> {
    const found = await super.findVolume(name)
    return found === null ? null : this.seen(found)
  }

  override async listVolumes(labels: Labels): Promise<Volume[]> {
    return this.having(labels, await super.listVolumes(asked(labels)))
  }

  private seen<T extends { labels: Labels }>(thing: T): T {
    return { ...thing, labels: this.ledger.relabelled(thing.labels) }
  }

  private having<T extends { labels: Labels }>(labels: Labels, things: readonly T[]): T[] {
    const all = Object.entries(labels)
    return things.map((one) => this.seen(one)).filter((one) => all.every(([name, value]) => one.labels[name] === value))
  }
}

/** What Docker itself can be asked for: all that may turn out to have the labels. */
function asked(labels: Labels): Labels {
  const known = Object.entries(labels).filter(([name]) => lasting.includes(name))
  return known.length === 0 ? labels : Object.fromEntries(known)
}
