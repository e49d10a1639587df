import type { BudgetId } from '@helix/contract/ids'
import { Account } from './account.ts'
import type { Lack, LedgerStore, Standing } from './ledger/store.ts'

/** The most budgets that one transaction is about. */
const batch = 200
/** Units: milliseconds after which an account that rests is given up. */
const restMs = 10_000

interface Need {
  amounts: number[]
  waiting: PromiseWithResolvers<Standing | null>[]
}

/**
 * The accounts of this process, and the only one in it that writes to the ledger: one transaction at a time, in which all that is lacked meanwhile
 * is asked for together. Memory follows the database when it grows and goes before it when it shrinks (ADR 33).
 */
export class LedgerWriter {
  readonly accounts = new Map<BudgetId, Account>()
  /** Their period is over and calls of it are still open. */
  private readonly retiring = new Set<Account>()
  private readonly closing = new Set<Account>()
  private readonly store: LedgerStore
  private readonly demanded: (budgetIds: readonly BudgetId[]) => void
  private readonly needs = new Map<BudgetId, Need>()
  private turn: Promise<unknown> = Promise.resolve()
  private pumping = false

  /** `demanded`: other processes may hold idle what is lacked here. */
  constructor(store: LedgerStore, demanded: (budgetIds: readonly BudgetId[]) => void) {
    this.store = store
    this.demanded = demanded
  }

  /** Asks for what a call lacks; null: there is no such budget any more. */
  lacking(budgetId: BudgetId, amount: number): Promise<Standing | null> {
    const need = this.needs.get(budgetId) ?? { amounts: [], waiting: [] }
    this.needs.set(budgetId, need)
    const answer = Promise.withResolvers<Standing | null>()
    need.amounts.push(amount)
    need.waiting.push(answer)
    void this.pump()
    return answer.promise
  }

  private async pump(): Promise<void> {
    if (this.pumping) return
    this.pumping = true
    // What is asked for in the same turn of the event loop is asked for together.
    await Promise.resolve()
    while (this.needs.size > 0) await this.exclusively(() => this.grant())
    this.pumping = false
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => undefined)
    return result
  }

  private lackOf(budgetId: BudgetId, { amounts }: Need, now: number): Lack {
    const account = this.accounts.get(budgetId) ?? null
    const free = account?.free ?? 0
    const total = amounts.reduce((sum, amount) => sum + amount, 0)
    const { startsOn = '', cap = 0, used = 0, open = 0 } = account ?? {}
    return {
      budgetId,
      total: Math.max(0, total - free),
      least: Math.max(0, Math.min(...amounts) - free),
      ready: account?.ready(now) ?? 0,
      account: account === null ? null : { startsOn, cap, used, open },
    }
  }

  private async grant(): Promise<void> {
    const taken = [...this.needs].slice(0, batch)
    for (const [budgetId] of taken) this.needs.delete(budgetId)
    const asked = performance.now()
    try {
      // A lease that the database still has and no account stands for was never used: what was used is charged first.
      await this.close()
      const { standings, demanded } = await this.store.grant(taken.map(([budgetId, need]) => this.lackOf(budgetId, need, asked)))
      const byId = new Map(standings.map((standing) => [standing.budgetId, standing]))
      for (const standing of standings) this.apply(standing, asked)
      for (const [budgetId, { waiting }] of taken) for (const one of waiting) one.resolve(byId.get(budgetId) ?? null)
      if (demanded.length > 0) this.demanded(demanded)
    } catch (error) {
      for (const [, { waiting }] of taken) for (const one of waiting) one.reject(error)
    }
  }

  private apply({ budgetId, startsOn, unit, cap, fresh }: Standing, asked: number): void {
    const account = this.accounts.get(budgetId)
    if (fresh && account !== undefined) this.retire(account, account.startsOn === startsOn)
    if (cap === null) return
    const current = this.accounts.get(budgetId) ?? new Account(budgetId, startsOn, unit, asked)
    this.accounts.set(budgetId, current)
    // Calls that cost more than the most they could have raised it meanwhile.
    current.cap = Math.max(current.cap, cap)
    current.confirmedAt = asked
  }

  /** Takes nothing more from it. `lost`: the database has charged all of it already. */
  private retire(account: Account, lost: boolean): void {
    if (this.accounts.get(account.budgetId) === account) this.accounts.delete(account.budgetId)
    account.lost = lost
    if (!lost) this.retiring.add(account)
  }

  /** Tells the database what is held, and gives back what is not worth keeping. */
  sync(): Promise<void> {
    return this.exclusively(async () => {
      const now = performance.now()
      this.rest(now)
      const held = [...this.accounts.values(), ...this.retiring]
      for (const account of held) account.trim(now)
      const rows = await this.store.sync(held.map((one) => ({ ...pick(one), granted: one.cap, open: one.open })))
      const found = new Map(rows.map((row) => [`${row.budgetId} ${row.startsOn}`, row]))
      for (const account of held) {
        const row = found.get(`${account.budgetId} ${account.startsOn}`)
        account.confirmedAt = now
        account.demanded = row?.demanded ?? false
        if (row === undefined) this.lose(account)
        else if (row.over) this.retire(account, false)
      }
      await this.close()
    })
  }

  private lose(account: Account): void {
    this.retiring.delete(account)
    this.retire(account, true)
  }

  private rest(now: number): void {
    for (const account of [...this.accounts.values(), ...this.retiring]) {
      if (account.open > 0 || !(this.retiring.has(account) || account.restsFor(restMs, now))) continue
      if (this.accounts.get(account.budgetId) === account) this.accounts.delete(account.budgetId)
      this.retiring.delete(account)
      this.closing.add(account)
    }
  }

  private async close(): Promise<void> {
    const ended = [...this.closing]
    await this.store.close(ended.map(pick))
    for (const account of ended) this.closing.delete(account)
  }

  /** The process ends: what is open then may still cost all that is held for it. */
  end(): Promise<void> {
    return this.exclusively(async () => {
      for (const account of [...this.accounts.values(), ...this.retiring]) {
        account.used += account.open
        account.open = 0
        account.lost = true
        this.closing.add(account)
      }
      this.accounts.clear()
      this.retiring.clear()
      await this.close()
    })
  }
}

const pick = ({ budgetId, startsOn, used }: Account) => ({ budgetId, startsOn, used })
