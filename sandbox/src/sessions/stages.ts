export interface Stage {
  name: string
  /** Units: milliseconds. */
  durationMs: number
}

/** How long each step of a start takes; steps may overlap. */
export class Stages {
  readonly list: Stage[] = []
  /** In one sentence, where the names of the steps say too little; null: they do. */
  saying: string | null = null
  private readonly startedAt = performance.now()
  private readonly begun = new Map<symbol, { name: string; at: number }>()

  async time<T>(name: string, work: Promise<T> | (() => Promise<T>)): Promise<T> {
    const began = performance.now()
    const key = Symbol(name)
    this.begun.set(key, { name, at: began })
    try {
      const result = await (typeof work === 'function' ? work() : work)
      this.list.push({ name, durationMs: Math.round(performance.now() - began) })
      return result
    } finally {
      this.begun.delete(key)
    }
  }

  /** Steps that are under way. Units: milliseconds since they began. */
  get running(): { name: string; sinceMs: number }[] {
    return [...this.begun.values()].map(({ name, at }) => ({ name, sinceMs: Math.round(performance.now() - at) }))
  }

  /** The whole, from the first step. */
  total(name: string): void {
    this.list.push({ name, durationMs: Math.round(performance.now() - this.startedAt) })
  }
}
