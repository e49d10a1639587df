import { ordered } from '../choice/order.ts'
import { sendJson } from '../door/refusal.ts'
import { countsOf } from '../tap/counts.ts'
import type { Account } from './account.ts'
import { Attempts, passes } from './attempts.ts'
import type { Call, Parts } from './call.ts'
import { nobody } from './converse.ts'
import { deliver, deliverRefusal, sizesOf } from './deliver.ts'

/** Counts the tokens of a prompt, as its provider does where it speaks the dialect, else from the bytes. It costs nothing. */
export async function countTokens(call: Call, parts: Parts, account: Account): Promise<void> {
  const { scope } = call.caller
  const { dialect } = call.route
  const [policy, found] = [await parts.catalogue.policyOf(scope), await parts.catalogue.candidates(scope, call.asked)]
  if (found.length === 0) throw nobody(call)
  const direct = dialect === null ? [] : ordered(found, policy.choose, parts.breaker).filter((one) => passes(one, dialect))
  if (direct.length > 0) {
    const begun = await new Attempts(call, parts, account, policy).begin(direct)
    if (begun.kind === 'refused' && begun.status !== 404) return deliverRefusal(call, begun, account)
    if (begun.kind === 'passed') return deliver(call, begun, account, parts)
  }
  const { input } = countsOf(null, false, sizesOf(call, 0))
  account.first()
  sendJson(call.response, 200, dialect === 'generate' ? { totalTokens: input } : { input_tokens: input })
  account.end(200)
}
