import { request as requestHttp } from 'node:http'
import { peekHeader, peekPath, peekSeconds } from '@helix/contract/desktop-link'
import { pictureLimits } from '@helix/contract/desktop-pictures'

/** What a supervisor answers to who looks from far. */
export interface Peeked {
  /** `none`: it has no pictures: no desktop can be, or it is of an older version. */
  state: 'picture' | 'same' | 'off' | 'none'
  /** To have next time. */
  have: string
  /** A `still` message; null: no new one. */
  bytes: Buffer | null
}

const states: Record<number, Peeked['state']> = { 200: 'picture', 204: 'off', 304: 'same' }
/** Units: milliseconds. It waits as long as it was told, and then says so. */
const deadlineMs = (peekSeconds + 10) * 1000

/** Rejects when it cannot be reached, or does not answer in time. */
export function peek(input: { address: string; secret: string; have: string; signal: AbortSignal }): Promise<Peeked> {
  const { address, secret, have, signal } = input
  return new Promise((resolve, reject) => {
    const url = `http://${address}${peekPath}?have=${encodeURIComponent(have)}`
    const request = requestHttp(url, { headers: { authorization: `Bearer ${secret}` }, agent: false, signal, timeout: deadlineMs })
    request.once('timeout', () => request.destroy(new Error('the supervisor does not answer')))
    request.once('error', reject)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.byteLength
        // Root in a session may answer anything in the supervisor's place.
        if (size <= pictureLimits.bytes + 1024) return void chunks.push(chunk)
        reject(new Error('too large for a picture'))
        request.destroy()
      })
      response.once('error', reject)
      response.once('close', () => reject(new Error('it broke off')))
      response.once('end', () => {
        const state = states[response.statusCode ?? 0] ?? 'none'
        const next = String(response.headers[peekHeader] ?? '').slice(0, 100)
        resolve({ state, have: next, bytes: state === 'picture' ? Buffer.concat(chunks) : null })
      })
    })
    request.end()
  })
}
