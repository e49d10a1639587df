import { HelixError } from '@helix/contract/errors'
import type { Knex } from 'knex'
import { hashSecret } from '../hashing.ts'

/** How many attempts come without a wait. An address may be that of a whole office. */
const free = { account: 5, address: 25 }
/** Units: seconds. */
const longestWait = 900
const forgottenAfter = 3600
/** Not `now()`: of attempts at the same time one that began earlier may be counted later, and would have to wait for the other's now. */
const never = '-infinity'

type Kind = keyof typeof free

/** Whoever has one IPv6 address has 2^64 of them: the network counts. Source: RFC 4291, section 2.5.4. */
export function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase()
  if (!plain.includes(':') || plain.includes('.')) return plain.replace(/^::ffff:/, '')
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

/**
 * Attempts to prove who one is, counted by account and by address before they are looked at, so that a hundred at once are a hundred. In the
 * database: replicas count together. Waits double from one second to fifteen minutes; an hour without an attempt forgets them.
 */
export class Attempts {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Throws `rate_limited`, with the seconds to wait, while the account or the address has to. */
  async count(account: string | null, address: string | undefined): Promise<void> {
    if (address !== undefined) await this.take('address', networkOf(address))
    if (account !== null) await this.take('account', account.toLowerCase())
  }

  private async take(kind: Kind, name: string): Promise<void> {
    const key = `${kind} ${hashSecret(name)}`
    const taken = (await this.db.raw(
      `insert into sign_in_attempts as a (key, failures, blocked_until) values (:key, 1, :never)
       on conflict (key) do update set
         failures = case when a.last_at < now() - make_interval(secs => :forgotten) then 1 else a.failures + 1 end,
         last_at = now(),
         blocked_until = case
           when a.last_at < now() - make_interval(secs => :forgotten) or a.failures + 1 < :free then :never
           else now() + make_interval(secs => least(:longest, power(2, least(a.failures + 1 - :free, 20)))) end
       where a.blocked_until <= now()
       returning key`,
      { key, never, forgotten: forgottenAfter, free: free[kind], longest: longestWait },
    )) as { rows: unknown[] }
    if (taken.rows.length === 1) return
    const row = await this.db('sign_in_attempts')
      .where({ key })
      .first(this.db.raw('ceil(extract(epoch from blocked_until - now())) as seconds'))
    const retryAfterSeconds = Math.max(1, Number(row?.seconds ?? 1))
    throw new HelixError('rate_limited', `Too many attempts: wait ${retryAfterSeconds} s and try again.`, { retryAfterSeconds })
  }

  /** It was really them: the account begins anew, and the address gets back this one attempt and no other; others may be guessing from it. */
  async succeeded(account: string | null, address?: string): Promise<void> {
    // What is forgotten anyway; names that strangers make up do not fill the table.
    await this.db('sign_in_attempts')
      .whereRaw('last_at < now() - make_interval(secs => ?) and blocked_until < now()', [forgottenAfter])
      .delete()
    if (account !== null)
      await this.db('sign_in_attempts')
        .where({ key: `account ${hashSecret(account.toLowerCase())}` })
        .delete()
    if (address !== undefined)
      await this.db('sign_in_attempts')
        .where({ key: `address ${hashSecret(networkOf(address))}` })
        .update({ failures: this.db.raw('greatest(failures - 1, 0)') })
  }
}
