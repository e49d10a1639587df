/** How long each part of the start took, in the order in which they ended. */
export class Stages {
  readonly list: { name: string; durationMs: number }[] = []

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    try {
      return await work()
    } finally {
      this.list.push({ name, durationMs: Math.round(performance.now() - started) })
    }
  }
}
