import { refuse } from './parse.ts'
import type { ToolNames } from './tools.ts'

/**
 * Tools that one provider runs itself. Beside tools of the client they are left out: the model then has one way less. Alone they are what the
 * request is about, and it is refused.
 */
export class HostedTools {
  private first: { field: string; type: string } | null = null

  add(field: string, type: string): void {
    this.first ??= { field, type }
  }

  refuseAlone(names: ToolNames): void {
    if (this.first === null || names.tools.length > 0) return
    refuse(
      `${this.first.field}.type`,
      `"${this.first.type}" is run by the provider of this dialect itself: this model’s provider does not have it`,
    )
  }
}
