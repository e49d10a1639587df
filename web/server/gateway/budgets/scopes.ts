import type { BudgetId, OrgId } from '@helix/contract/ids'
import type { Scope } from '../ports/scope.ts'
import type { Unit } from './account.ts'
import type { BucketRef } from './rates/rates.ts'

export interface BudgetRef {
  budgetId: BudgetId
  unit: Unit
}

/** The most scopes that are remembered; the oldest go first. */
const remembered = 20_000
/** Units: milliseconds for which what is known holds while the database is silent. */
export const trustMs = 30_000

/** What a call is held against. */
export interface Above {
  budgets: readonly BudgetRef[]
  buckets: readonly BucketRef[]
}

interface Known extends Above {
  /** Of the organisation, before it was read. */
  epoch: number
}

export interface ScopeSource {
  above(scope: Scope): Promise<Known>
  epochs(orgIds: readonly OrgId[]): Promise<Map<OrgId, number>>
}

const keyOf = ({ projectId, taskId, sessionId, keyPrefix }: Scope): string =>
  `${projectId ?? ''}/${taskId ?? ''}/${sessionId ?? ''}/${keyPrefix ?? ''}`

/** Which budgets and limits of rate a call has above it, from memory; read again when its organisation’s have changed. */
export class ScopeCache {
  private readonly orgs = new Map<OrgId, Map<string, Known>>()
  private readonly source: ScopeSource
  private size = 0
  /** Monotonic; when all that is known was last right. */
  private confirmedAt = performance.now()

  constructor(source: ScopeSource) {
    this.source = source
  }

  /** Undefined: not known, or not known for certain any more. */
  known(scope: Scope, now: number): Above | undefined {
    if (now - this.confirmedAt > trustMs) return undefined
    return this.orgs.get(scope.orgId)?.get(keyOf(scope))
  }

  async load(scope: Scope): Promise<Above> {
    const known = this.known(scope, performance.now())
    if (known !== undefined) return known
    if (performance.now() - this.confirmedAt > trustMs) await this.confirm()
    const read = await this.source.above(scope)
    if (this.size >= remembered) this.forgetOldest()
    const scopes = this.orgs.get(scope.orgId) ?? new Map<string, Known>()
    this.orgs.set(scope.orgId, scopes)
    if (!scopes.has(keyOf(scope))) this.size += 1
    scopes.set(keyOf(scope), read)
    return read
  }

  /** Asks which organisations' budgets have changed, and forgets theirs. */
  async confirm(): Promise<void> {
    const asked = performance.now()
    if (this.orgs.size > 0) {
      const epochs = await this.source.epochs([...this.orgs.keys()])
      for (const [orgId, scopes] of this.orgs)
        if ([...scopes.values()].some(({ epoch }) => epoch !== (epochs.get(orgId) ?? 0))) this.forget(orgId)
    }
    this.confirmedAt = asked
  }

  forget(orgId: OrgId): void {
    this.size -= this.orgs.get(orgId)?.size ?? 0
    this.orgs.delete(orgId)
  }

  forgetAll(): void {
    this.orgs.clear()
    this.size = 0
  }

  private forgetOldest(): void {
    const [oldest] = this.orgs.keys()
    if (oldest !== undefined) this.forget(oldest)
  }
}
