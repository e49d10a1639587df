import { request } from 'node:http'
import { type SessionFile, slotPath } from '@helix/contract/link'

/** Units: milliseconds. */
const askMs = 25_000
const handOverMs = 5000

/** Resolves when the machine at the address waits for its session; rejects while nobody answers there. */
export async function askWhetherReady(address: string, secret: string): Promise<void> {
  await ask(address, secret, 'GET', '', askMs)
}

/** Makes a machine that waits this session's; resolves when it listens for the link. Rejects with what the machine says against it. */
export async function handOver(address: string, secret: string, file: SessionFile): Promise<void> {
  await ask(address, secret, 'POST', JSON.stringify(file), handOverMs)
}

function ask(address: string, secret: string, method: string, body: string, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}` }
    // No connection outlives its question: the machine stands still between the two.
    const asked = request(`http://${address}${slotPath}`, { method, headers, agent: false, timeout: deadlineMs }, (response) => {
      let said = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        said = (said + chunk).slice(0, 500)
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 204) resolve()
        else reject(new Error(`The machine that waits answers with ${response.statusCode}${said === '' ? '' : `: ${said}`}.`))
      })
    })
    asked.once('timeout', () => asked.destroy(new Error(`The machine that waits did not answer within ${deadlineMs / 1000} s.`)))
    asked.once('error', reject)
    asked.end(body)
  })
}
