import { type Dispatcher, Pool } from 'undici'

/** What the generator is asked for. */
export interface Order {
  origin: string
  path: string
  headers: Record<string, string>
  /** `whole`: calls one after the other on so many connections. `streams`: so many streams at once, each with so many chunks. */
  kind: 'whole' | 'streams'
  atOnce: number
  seconds: number
  /** Units: bytes of the prompt. */
  promptBytes: number
  chunks: number
  /** Units: milliseconds between two chunks. */
  paceMs: number
}

export interface Answer {
  calls: number
  seconds: number
  /** Units: milliseconds; of whole calls, or of each chunk on its way. */
  times: Float64Array
  /** Chunks that came, and those that came out of order or not at all. */
  chunks: number
  lost: number
  failed: number
}

const now = (): number => performance.timeOrigin + performance.now()

function bodyOf({ kind, promptBytes, chunks, paceMs }: Order): string {
  const word = 'const value = compute(index, total) // and so on \n'
  const content = word.repeat(Math.ceil(promptBytes / word.length)).slice(0, promptBytes)
  return JSON.stringify({
    model: 'bench',
    stream: kind === 'streams',
    max_tokens: chunks,
    seed: paceMs,
    messages: [{ role: 'user', content }],
  })
}

interface Ears {
  onData?: (chunk: Buffer) => void
  onEnd: (status: number, error: Error | null) => void
}

function call(pool: Pool, order: Order, body: string, { onData, onEnd }: Ears): void {
  let status = 0
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, code) => {
      status = code
    },
    onResponseData: (_controller, chunk) => onData?.(chunk),
    onResponseEnd: () => onEnd(status, null),
    onResponseError: (_controller, error) => onEnd(status, error),
  }
  pool.dispatch({ path: order.path, method: 'POST', headers: { ...order.headers, 'content-type': 'application/json' }, body }, handler)
}

async function wholes(pool: Pool, order: Order, body: string): Promise<Answer> {
  const times: number[] = []
  let failed = 0
  const begun = performance.now()
  const end = begun + order.seconds * 1000
  const line = (): Promise<void> =>
    new Promise((resolve) => {
      const next = (): void => {
        const asked = performance.now()
        if (asked >= end) {
          resolve()
          return
        }
        const onEnd: Ears['onEnd'] = (status, error) => {
          if (status === 200 && error === null) times.push(performance.now() - asked)
          else failed++
          next()
        }
        call(pool, order, body, { onEnd })
      }
      next()
    })
  await Promise.all(Array.from({ length: order.atOnce }, line))
  return { calls: times.length, seconds: (performance.now() - begun) / 1000, times: Float64Array.from(times), chunks: 0, lost: 0, failed }
}

async function streams(pool: Pool, order: Order, body: string): Promise<Answer> {
  const times: number[] = []
  const all = { chunks: 0, lost: 0, failed: 0 }
  const reasons = new Set<string>()
  const begun = performance.now()
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      let rest = ''
      let expected = 0
      let done = false
      const onData = (data: Buffer): void => {
        const came = now()
        const lines = (rest + data.toString('latin1')).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (line === 'data: [DONE]') done = true
          const match = /"content":"(\d+) ([\d.]+) "/.exec(line)
          if (match === null) continue
          if (Number(match[1]) === expected) all.chunks++
          else all.lost++
          expected = Number(match[1]) + 1
          times.push(came - Number(match[2]))
        }
      }
      const onEnd: Ears['onEnd'] = (status, error) => {
        all.lost += order.chunks - expected
        if (status !== 200 || error !== null || !done) {
          all.failed++
          reasons.add(`${status} ${error?.message ?? rest.slice(0, 300)}`)
        }
        resolve()
      }
      call(pool, order, body, { onData, onEnd })
    })
  // They do not begin all at once: agents do not either.
  const running: Promise<void>[] = []
  for (let at = 0; at < order.atOnce; at++) {
    running.push(one())
    if (at % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await Promise.all(running)
  for (const reason of [...reasons].slice(0, 3)) process.stderr.write(`a stream failed: ${reason}\n`)
  return { calls: order.atOnce, seconds: (performance.now() - begun) / 1000, times: Float64Array.from(times), ...all }
}

process.on('message', async (order: Order) => {
  const pool = new Pool(order.origin, { connections: order.atOnce, headersTimeout: 60_000, bodyTimeout: 60_000, allowH2: false })
  const body = bodyOf(order)
  const answer = await (order.kind === 'whole' ? wholes(pool, order, body) : streams(pool, order, body))
  await pool.destroy()
  process.send?.(answer)
})
process.on('disconnect', () => process.exit(0))
