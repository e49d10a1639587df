import type { PacketFilter } from './nft.ts'

/** Rules of sessions that begin in the same moment are laid by one run of nft: what comes while one runs goes with the next. */
export class Together {
  private readonly packets: Pick<PacketFilter, 'apply'>
  private running: Promise<void> = Promise.resolve()
  private next: { rules: string[]; laid: Promise<void> } | null = null

  constructor(packets: Pick<PacketFilter, 'apply'>) {
    this.packets = packets
  }

  /** Rejects with what is wrong with these rules, whatever else went with them. */
  async apply(rules: string): Promise<void> {
    const batch = this.next ?? this.begin()
    batch.rules.push(rules)
    try {
      await batch.laid
    } catch (error) {
      if (batch.rules.length === 1) throw error
      // All or none of a run are laid: each on its own, those of the others are.
      await this.packets.apply(rules)
    }
  }

  private begin(): { rules: string[]; laid: Promise<void> } {
    const rules: string[] = []
    const laid = this.running.then(() => {
      this.next = null
      return this.packets.apply(rules.join(''))
    })
    // Whoever waits hears of a failure; the next run goes on.
    this.running = laid.catch(() => undefined)
    this.next = { rules, laid }
    return this.next
  }
}
