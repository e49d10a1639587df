import { writeWhole } from './whole-file.ts'

/** A value that a file keeps. */
export class KeptFile<T> {
  private readonly path: string
  private readonly load: () => Promise<T>
  private known: Promise<T> | null = null

  /** `load`: reads the file, once, and says what counts where it is missing or damaged. */
  constructor(path: string, load: () => Promise<T>) {
    this.path = path
    this.load = load
  }

  read(): Promise<T> {
    this.known ??= this.load()
    return this.known
  }

  /** One after another; a change that cannot be written down does not hold. */
  change(to: (value: T) => T): Promise<void> {
    const before = this.read()
    const changed = before.then(async (value) => {
      const next = to(value)
      await writeWhole(this.path, JSON.stringify(next))
      return next
    })
    this.known = changed.catch(() => before)
    return changed.then(() => undefined)
  }
}
