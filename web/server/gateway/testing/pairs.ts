import { fail } from './script.ts'

/** Calls and results as every vendor wants them: ids once, each call answered in the message behind it. */
export class Pairs {
  private readonly seen = new Set<string>()
  private open = new Set<string>()

  call(id: string): void {
    if (this.seen.has(id)) fail(`the tool call id ${id} is used twice`)
    this.seen.add(id)
    this.open.add(id)
  }

  result(id: string): void {
    if (!this.open.delete(id)) fail(`the result of ${id} answers no open call`)
  }

  /** Before anything but a result. */
  closed(): void {
    if (this.open.size > 0) fail(`the calls ${[...this.open].join(', ')} have no results`)
  }
}
