import type { EgressMode } from '@helix/contract/egress'
import type { SessionId } from '@helix/contract/ids'
import { reasonOf } from '../reason.ts'
import { bridgeName, bridgePrefix, type Owner, type Stem } from '../sessions/names.ts'
import type { PacketFilter } from './nft.ts'
import { bridgeRules, type ControlPlaneAt, controlPlaneRules, keptRules, type Refused, type TableInput, tableRules } from './ruleset.ts'
import { Together } from './together.ts'

export interface FilterInput extends Omit<TableInput, 'table' | 'bridges'> {
  owner: Owner
  packets: PacketFilter
  /** What the names of a session's things are made of. */
  stemOf(sessionId: SessionId): Stem
}

/** The sets that say what is let through. */
const rightSets = ['open_bridges', 'listed_bridges', 'control', 'control_here']

const unquoted = (text: string): string => text.replaceAll('"', '')

/** Keeps sessions from where they may not go, from outside of them: nothing that root inside does changes it. */
export class EgressFilter {
  private readonly input: FilterInput
  private readonly together: Together
  readonly table: string
  /** What was told of already; refusals stay in the kernel's set for ten minutes. */
  private told = new Set<string>()
  private laid = false
  /** What was let through when the table was last seen, by set. */
  private rights: Record<string, string[]> = {}
  /** Bridges with rights that no network had at the last look: a session that begins has its rights a moment before it is seen. */
  private missing = new Set<string>()

  constructor(input: FilterInput) {
    this.input = input
    this.together = new Together(input.packets)
    this.table = `helix_${bridgePrefix(input.owner)}`
  }

  private bridgeOf(sessionId: SessionId): string {
    return bridgeName(this.input.owner, this.input.stemOf(sessionId))
  }

  /** Lays the table; sessions that run keep what they have. Answers with why there is no filter here; null: there is. */
  async begin(): Promise<string | null> {
    if (this.laid) return null
    try {
      // A start after another keeps what the one before let through.
      this.rights = (await this.readRights()) ?? {}
      await this.lay()
      this.laid = true
      return null
    } catch (error) {
      return `Sessions cannot be kept from networks of this machine: ${reasonOf(error)}`
    }
  }

  /**
   * Lays the table anew where somebody took it off the machine, as firewalls do that begin with an empty list: without it sessions reach everything.
   * Answers whether that was so.
   */
  async stand(): Promise<boolean> {
    if (!this.laid) return false
    const rights = await this.readRights()
    if (rights !== null) {
      this.rights = rights
      return false
    }
    await this.lay()
    return true
  }

  private async lay(): Promise<void> {
    const table = tableRules({ ...this.input, table: this.table, bridges: bridgePrefix(this.input.owner) })
    await this.input.packets.apply(table + keptRules(this.table, this.rights))
  }

  /** Null: the table is not there. */
  private async readRights(): Promise<Record<string, string[]> | null> {
    const sets = await this.input.packets.sets(this.table)
    return sets && Object.fromEntries(rightSets.map((name) => [name, sets[name] ?? []]))
  }

  /** Whether sessions are kept from anything. */
  get ready(): boolean {
    return this.laid
  }

  /** Before the session's container starts: until then its bridge is closed. */
  async admit(sessionId: SessionId, mode: EgressMode, controlPlane: ControlPlaneAt): Promise<void> {
    if (!this.laid) return
    const rules = controlPlaneRules(this.table, controlPlane) + bridgeRules(this.table, this.bridgeOf(sessionId), mode)
    try {
      await this.together.apply(rules)
    } catch (error) {
      if (!(await this.stand())) throw error
      await this.input.packets.apply(rules)
    }
  }

  /** Takes its rights from every bridge that no session has. */
  async sweep(sessions: readonly SessionId[]): Promise<void> {
    if (!this.laid) return
    const kept = new Set(sessions.map((id) => this.bridgeOf(id)))
    const rights = (await this.readRights()) ?? {}
    const unknown = ['open_bridges', 'listed_bridges']
      .flatMap((set) => rights[set] ?? [])
      .map(unquoted)
      .filter((bridge) => !kept.has(bridge))
    const gone = unknown.filter((bridge) => this.missing.has(bridge))
    this.missing = new Set(unknown)
    if (gone.length > 0) await this.input.packets.apply(gone.map((bridge) => bridgeRules(this.table, bridge, null)).join(''))
  }

  /** Removes the table: nothing of this host is left. */
  async remove(): Promise<void> {
    if (!this.laid) return
    this.laid = false
    await this.input.packets.apply(`add table inet ${this.table}\ndelete table inet ${this.table}\n`)
  }

  /** Refusals since the last look, by the session they are of. */
  async refusals(sessions: readonly SessionId[]): Promise<Map<SessionId, Refused[]>> {
    const found = new Map<SessionId, Refused[]>()
    if (!this.laid) return found
    const byBridge = new Map(sessions.map((id) => [this.bridgeOf(id), id]))
    const now = new Set<string>()
    for (const one of await this.input.packets.refused(this.table)) {
      const key = `${one.bridge} ${one.address} ${one.protocol} ${one.port}`
      now.add(key)
      const sessionId = byBridge.get(one.bridge)
      if (sessionId === undefined || this.told.has(key)) continue
      found.set(sessionId, [...(found.get(sessionId) ?? []), one])
    }
    this.told = now
    return found
  }
}
