export interface Stage {
  name: string
  /** Units: milliseconds. */
  durationMs: number
}

/** How long each step of a start takes; steps may overlap. */
export class Stages {
  readonly list: Stage[] = []
  private readonly startedAt = performance.now()

  async time<T>(name: string, work: Promise<T> | (() => Promise<T>)): Promise<T> {
    const began = performance.now()
    const result = await (typeof work === 'function' ? work() : work)
    this.list.push({ name, durationMs: Math.round(performance.now() - began) })
    return result
  }

  /** The whole, from the first step. */
  total(name: string): void {
    this.list.push({ name, durationMs: Math.round(performance.now() - this.startedAt) })
  }
}
