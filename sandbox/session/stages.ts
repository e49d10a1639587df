/** Units: milliseconds. What changes within it is told once. */
const togetherMs = 300

/** How long each part of the start took, in the order in which they ended, and what is under way. */
export class Stages {
  readonly list: { name: string; durationMs: number }[] = []
  private readonly begun = new Map<symbol, { name: string; at: number }>()
  private readonly changed: () => void
  private timer: NodeJS.Timeout | null = null

  /** `changed` is called soon after a part began or ended. */
  constructor(changed: () => void) {
    this.changed = changed
  }

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const key = Symbol(name)
    this.begun.set(key, { name, at: started })
    this.tell()
    try {
      return await work()
    } finally {
      this.begun.delete(key)
      this.list.push({ name, durationMs: Math.round(performance.now() - started) })
      this.tell()
    }
  }

  /** Units: milliseconds since they began. */
  get running(): { name: string; sinceMs: number }[] {
    return [...this.begun.values()].map(({ name, at }) => ({ name, sinceMs: Math.round(performance.now() - at) }))
  }

  private tell(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.changed()
    }, togetherMs).unref()
  }
}
