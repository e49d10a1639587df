import { HelixError } from '@helix/contract/errors'
import { asHelixError } from '../../http/errors.ts'
import type { Translated } from '../ports/translated.ts'
import { countsOf } from '../tap/counts.ts'
import type { Account } from './account.ts'
import type { Call, Parts } from './call.ts'
import { endBroken, sizesOf, stalledMs } from './deliver.ts'

function drained(call: Call): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => call.response.destroy(), stalledMs)
    const done = (): void => {
      clearTimeout(stalled)
      call.response.off('drain', done).off('close', done)
      resolve()
    }
    call.response.once('drain', done).once('close', done)
  })
}

/** Hands a translated answer over as it comes. */
export async function deliverTranslated(call: Call, answer: Translated, account: Account, parts: Parts): Promise<void> {
  const { response } = call
  let bytes = 0
  const counts = () => countsOf(answer.counts(), true, sizesOf(call, bytes))
  const estimated = () => ({ ...counts(), estimated: true })
  try {
    for await (const chunk of answer.body) {
      if (call.left.aborted) throw call.left.reason
      if (!response.headersSent) response.writeHead(answer.status, { 'content-type': answer.contentType, 'cache-control': 'no-store' })
      account.first()
      bytes += chunk.length
      if (!response.write(chunk)) await drained(call)
    }
    if (!response.headersSent) response.writeHead(answer.status, { 'content-type': answer.contentType })
    response.end()
    const known = answer.counts()
    account.end(answer.status, known ?? estimated())
  } catch (error) {
    const why = call.left.reason instanceof HelixError ? call.left.reason : error
    if (call.left.aborted && !(why instanceof HelixError)) return account.end(499, bytes === 0 ? undefined : estimated())
    const known = asHelixError(why)
    if (!response.headersSent) throw known
    parts.log.warn({ err: error, requestId: call.id }, 'a translated answer broke')
    account.end(known.status, estimated())
    if (answer.contentType.includes('event-stream')) endBroken(call, known, true)
    else response.destroy()
  }
}
