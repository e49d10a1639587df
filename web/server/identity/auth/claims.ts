import { AsyncLocalStorage } from 'node:async_hooks'
import type { OrgId } from '@helix/contract/ids'

/** What the identity provider said of a person, during one callback. */
export class Claims {
  /** Of the connection that they come by. */
  readonly orgId: OrgId | null
  private value: Record<string, unknown> | null = null

  constructor(orgId: OrgId | null = null) {
    this.orgId = orgId
  }

  set(value: Record<string, unknown>): void {
    this.value = value
  }

  get all(): Record<string, unknown> | null {
    return this.value
  }

  /** The groups under a claim's name: a list, or one name. */
  groups(claim: string): string[] {
    const value = this.value?.[claim]
    return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string')
  }
}

/** better-auth hands the provider's answer to its own mapping only: the callback's route reads it here. */
export const claims = new AsyncLocalStorage<Claims>()
