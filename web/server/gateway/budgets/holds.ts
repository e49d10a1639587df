import { HelixError } from '@helix/contract/errors'
import type { BudgetId, OrgId } from '@helix/contract/ids'
import type { Logger } from 'pino'
import type { Amount, Hold, Holds } from '../ports/holds.ts'
import type { Scope } from '../ports/scope.ts'
import { amountIn } from './account.ts'
import { HeldCall, type Part } from './held-call.ts'
import type { LedgerStore, Standing } from './ledger/store.ts'
import type { BucketRef, Rates } from './rates/rates.ts'
import { type BudgetRef, ScopeCache, type ScopeSource, trustMs } from './scopes.ts'
import { WaitingLine } from './waiting-line.ts'
import { LedgerWriter } from './writer.ts'

/** Units: milliseconds. */
const syncMs = 1000
const firstPauseMs = 100
const longestPauseMs = 1000

/** A call that found no room under a budget. */
export interface Refused {
  scope: Scope
  standing: Standing
  needs: number
  /** Others’ calls hold what is left; else it is spent. */
  held: boolean
}

export interface HoldsParts {
  ledger: LedgerStore
  scopes: ScopeSource
  rates: Rates
  log: Logger
  /** Keeps what is to be kept of a refusal and answers with the error for the caller. */
  refuse(refused: Refused): Promise<HelixError>
  tellDemanded(budgetIds: readonly BudgetId[]): Promise<void>
  /** Units: milliseconds for which a call waits for others to end, and for a silent database. */
  patienceMs?: number
  silenceMs?: number
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const whole = ({ microUsd, tokens }: Amount): Amount => ({ microUsd: Math.ceil(microUsd), tokens: Math.ceil(tokens) })

/** Budgets that hold: what a call may cost at most is taken from leases of this process before it begins (ADR 33). */
export class BudgetHolds implements Holds, AsyncDisposable {
  private readonly parts: HoldsParts
  private readonly writer: LedgerWriter
  private readonly scopes: ScopeCache
  private readonly line = new WaitingLine()
  private timer: NodeJS.Timeout | null = null
  private soon: NodeJS.Timeout | null = null
  private syncing: Promise<void> | null = null

  constructor(parts: HoldsParts) {
    this.parts = parts
    this.scopes = new ScopeCache(parts.scopes)
    this.writer = new LedgerWriter(parts.ledger, (budgetIds) => {
      parts.tellDemanded(budgetIds).catch((error) => parts.log.warn({ err: error }, 'what is lacked was not told'))
    })
  }

  start(): void {
    this.timer = setInterval(() => void this.sync(), syncMs)
    this.timer.unref()
  }

  reserve(scope: Scope, worst: Amount): Promise<Hold> | Hold {
    const amount = whole(worst)
    if (!Number.isSafeInteger(amount.microUsd) || !Number.isSafeInteger(amount.tokens) || amount.microUsd < 0 || amount.tokens < 0)
      throw new Error(`a call cannot cost ${worst.microUsd} micro-dollars or ${worst.tokens} tokens`)
    const now = performance.now()
    const above = this.scopes.known(scope, now)
    const rated = above !== undefined && this.parts.rates.take(above.buckets, amount, now) ? above : null
    const hold = rated === null ? null : this.take(rated.budgets, amount, rated.buckets, now)
    return hold ?? this.reserveLater(scope, amount, rated?.buckets ?? null)
  }

  /** Budgets of the organisation, or of any, have changed. */
  changed(orgId: OrgId | null): void {
    if (orgId === null) this.scopes.forgetAll()
    else this.scopes.forget(orgId)
    this.line.room()
  }

  /** Another process lacks what may be idle here. */
  demanded(budgetId: BudgetId): void {
    const account = this.writer.accounts.get(budgetId)
    if (account === undefined || account.free === 0) return
    account.demanded = true
    this.soon ??= setTimeout(() => {
      this.soon = null
      void this.sync()
    }, 10)
  }

  /** Tells the ledger what is held, gives idle leases back, and learns what has changed. Never throws; one at a time. */
  sync(): Promise<void> {
    this.syncing ??= this.syncOnce()
      .catch((error) => this.parts.log.warn({ err: error }, 'the budgets’ leases are not renewed'))
      .finally(() => {
        this.syncing = null
      })
    return this.syncing
  }

  private async syncOnce(): Promise<void> {
    await this.writer.sync()
    await this.scopes.confirm()
    await this.parts.rates.sync()
  }

  private lacks({ budgetId, unit }: BudgetRef, worst: Amount, now: number): boolean {
    const amount = amountIn(unit, worst)
    const account = this.writer.accounts.get(budgetId)
    return amount > 0 && (account === undefined || account.free < amount || now - account.confirmedAt > trustMs)
  }

  /** All of it or nothing. */
  private take(budgets: readonly BudgetRef[], worst: Amount, buckets: readonly BucketRef[], now: number): Hold | null {
    for (const budget of budgets) if (this.lacks(budget, worst, now)) return null
    const parts: Part[] = []
    for (const { budgetId, unit } of budgets) {
      const account = this.writer.accounts.get(budgetId)
      const amount = amountIn(unit, worst)
      if (account === undefined || amount === 0) continue
      account.take(amount, now)
      parts.push({ account, amount })
    }
    return new HeldCall(parts, (actual) => {
      this.parts.rates.settle(buckets, worst, actual)
      this.line.room()
    })
  }

  /** `rated`: the buckets from which the call was drawn already. */
  private async reserveLater(scope: Scope, worst: Amount, rated: readonly BucketRef[] | null): Promise<Hold> {
    const buckets = rated ?? (await this.draw(scope, worst))
    try {
      return await this.reserveOf(scope, worst, buckets)
    } catch (error) {
      this.parts.rates.settle(buckets, worst, null)
      throw error
    }
  }

  private async draw(scope: Scope, worst: Amount): Promise<readonly BucketRef[]> {
    const began = performance.now()
    const { silenceMs = 3000 } = this.parts
    for (;;) {
      const above = await this.within(silenceMs, () => this.scopes.load(scope))
      if (above !== null) {
        await this.parts.rates.draw(above.buckets, worst)
        return above.buckets
      }
      if (performance.now() - began >= silenceMs) throw new HelixError('database_unavailable')
      await pause(firstPauseMs)
    }
  }

  private async reserveOf(scope: Scope, worst: Amount, buckets: readonly BucketRef[]): Promise<Hold> {
    const { patienceMs = 10_000, silenceMs = 3000 } = this.parts
    const began = performance.now()
    let heardAt = began
    for (let look = 0; ; look++) {
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** look)
      const found = await this.ask(scope, worst, heardAt + silenceMs - performance.now())
      if (found === null) {
        if (performance.now() - heardAt >= silenceMs) throw new HelixError('database_unavailable')
        await pause(pauseMs)
        continue
      }
      heardAt = performance.now()
      const take = (): Hold | null => this.take(found.budgets, worst, buckets, performance.now())
      const hold = take()
      if (hold !== null) return hold
      const impatient = performance.now() - began >= patienceMs
      const refused = this.refusedBy(scope, found.standings, worst, impatient)
      if (refused !== null) throw await this.parts.refuse(refused)
      const waited = await this.line.wait(take, pauseMs)
      if (waited !== null) return waited
    }
  }

  /** What is above the call, and how what it lacks stands; null: the database did not answer in time. */
  private async ask(
    scope: Scope,
    worst: Amount,
    withinMs: number,
  ): Promise<{ budgets: readonly BudgetRef[]; standings: Standing[] } | null> {
    return this.within(withinMs, async () => {
      const { budgets } = await this.scopes.load(scope)
      const lacking = budgets.filter((budget) => this.lacks(budget, worst, performance.now()))
      const standings = await Promise.all(lacking.map(({ budgetId, unit }) => this.writer.lacking(budgetId, amountIn(unit, worst))))
      // One that is no more: what is above the call is read again.
      if (standings.includes(null)) this.scopes.forget(scope.orgId)
      return { budgets, standings: standings.filter((standing) => standing !== null) }
    })
  }

  /** Null: the database did not answer in time, or with an error. */
  private async within<T>(ms: number, answer: () => Promise<T>): Promise<T | null> {
    const silent = Promise.withResolvers<null>()
    const timer = setTimeout(() => silent.resolve(null), Math.max(1, ms))
    try {
      return await Promise.race([answer(), silent.promise])
    } catch (error) {
      this.parts.log.warn({ err: error }, 'the budgets’ ledger does not answer')
      return null
    } finally {
      clearTimeout(timer)
    }
  }

  private refusedBy(scope: Scope, standings: readonly Standing[], worst: Amount, impatient: boolean): Refused | null {
    for (const standing of standings) {
      const needs = amountIn(standing.unit, worst)
      const account = this.writer.accounts.get(standing.budgetId)
      const own = account !== undefined && account.startsOn === standing.startsOn ? account.used : 0
      const spent = standing.spent + own
      const held = spent + needs <= standing.limit
      if (!held || impatient) return { scope, standing: { ...standing, spent }, needs, held }
    }
    return null
  }

  /** Nothing is told by itself any more. */
  stop(): void {
    if (this.timer !== null) clearInterval(this.timer)
    if (this.soon !== null) clearTimeout(this.soon)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.syncing
    await this.writer.end().catch((error) => this.parts.log.warn({ err: error }, 'the budgets’ leases lapse by themselves'))
    await this.parts.rates.sync(true).catch(() => undefined)
  }
}
