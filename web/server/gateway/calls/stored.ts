import { HelixError } from '@helix/contract/errors'
import { sendJson } from '../door/refusal.ts'
import type { Candidate } from '../ports/candidate.ts'
import type { StoredObject } from '../stored/store.ts'
import { parsedOr } from '../tap/usage.ts'
import { collect } from '../upstream/decoded.ts'
import type { Account } from './account.ts'
import { Attempts, type Begun } from './attempts.ts'
import { type Call, nonsense, type Parts } from './call.ts'
import { deliverRefusal } from './deliver.ts'
import { kindsOf, passOn } from './pass.ts'

/** Units: bytes; what a provider says of files. */
const longestList = 4 * 1024 * 1024

const gone = (what: string): HelixError => new HelixError('not_found', `There is no such ${what}, or it is not yours to see.`)

/** Who keeps an object: the same provider by the same key. */
export async function keeperOf(call: Call, parts: Parts, one: StoredObject): Promise<Candidate> {
  const candidates = one.model === '' ? await fileKeepers(call, parts) : await parts.catalogue.candidates(call.caller.scope, one.model)
  const keeper = candidates.find(({ providerId, key }) => providerId === one.providerId && key.id === one.keyId)
  if (keeper === undefined) throw gone(one.kind)
  return keeper
}

/** Files belong to no model: whoever speaks the dialect's API keeps them, the first that is listed. `?model=` names another. */
async function fileKeepers(call: Call, parts: Parts): Promise<Candidate[]> {
  const { scope } = call.caller
  const wanted = call.query.get('model')
  const models = wanted === null ? (await parts.catalogue.models(scope)).map(({ id }) => id) : [wanted]
  const found: Candidate[] = []
  for (const model of models)
    for (const one of await parts.catalogue.candidates(scope, model)) if (kindsOf(call).includes(one.kind)) found.push(one)
  return found
}

async function begin(call: Call, parts: Parts, account: Account, candidate: Candidate): Promise<Extract<Begun, { kind: 'passed' }> | null> {
  const policy = await parts.catalogue.policyOf(call.caller.scope)
  const begun = await new Attempts(call, parts, account, policy).begin([candidate])
  if (begun.kind === 'refused') deliverRefusal(call, begun, account)
  return begun.kind === 'passed' ? begun : null
}

/** A response or a file that a provider keeps: only for the organisation that made it. */
export async function stored(call: Call, parts: Parts, account: Account): Promise<void> {
  const { scope } = call.caller
  const kind = call.route.does === 'stored' ? 'response' : 'file'
  const one = await parts.objects.find(scope.orgId, kind, call.route.id ?? '')
  if (one === null) throw gone(kind)
  const begun = await begin(call, parts, account, await keeperOf(call, parts, one))
  if (begun === null) return
  if (call.method === 'DELETE') await parts.objects.removed(scope.orgId, kind, one.id)
  await passOn(call, begun, account, parts)
}

/** Files are handed up and listed; a list shows what is the organisation's own. */
export async function files(call: Call, parts: Parts, account: Account): Promise<void> {
  const { orgId } = call.caller.scope
  const [keeper] = await fileKeepers(call, parts)
  if (keeper === undefined) throw new HelixError('no_provider', 'No provider that keeps files is configured.')
  call.query.delete('model')
  const begun = await begin(call, parts, account, keeper)
  if (begun === null) return
  const text = await collect(begun.exchange, begun.head.headers['content-encoding'], longestList)
  const body = parsedOr(text.toString('utf8')) as { id?: unknown; data?: { id?: unknown }[] } | null
  if (call.method === 'POST') {
    if (typeof body?.id !== 'string') throw nonsense(keeper, 'without the id of the file')
    parts.objects.made({ providerId: keeper.providerId, id: body.id, orgId, kind: 'file', keyId: keeper.key.id, model: '', tokens: 0 })
    sendJson(call.response, begun.head.status, body)
  } else {
    if (!Array.isArray(body?.data)) throw nonsense(keeper, 'without a list of files')
    const own = await parts.objects.ids(orgId, 'file', keeper.providerId)
    sendJson(call.response, 200, { ...body, data: body.data.filter(({ id }) => typeof id === 'string' && own.has(id)) })
  }
  account.end(begun.head.status)
}
