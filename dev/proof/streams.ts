import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Candidate, type ConversationDialect, conversationDialects } from '@helix/web/server/gateway/ports/candidate.ts'
import { candidateAt, openTestGateway, type TestGateway, TestProvider } from '@helix/web/server/gateway/testing.ts'
import { say } from '../setup/progress.mjs'
import { table } from '../stack/story.ts'
import type { Finding } from './kill-findings.ts'
import { standing } from './stream/growth.ts'
import { paths, recorded } from './streams/recorded.ts'
import { verdictOf } from './streams/verdict.ts'

const sse = { 'content-type': 'text/event-stream' }
const body = { model: 'm', stream: true, max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }
const kinds: Readonly<Record<ConversationDialect, Partial<Candidate>>> = {
  chat: {},
  responses: {},
  messages: { kind: 'anthropic', speaks: ['messages'] },
  generate: { kind: 'gemini', speaks: ['generate'] },
}

interface Ground extends AsyncDisposable {
  provider: TestProvider
  gateway: TestGateway
}

/** The gateway over real sockets with a provider that does what it is told; what it meters is kept in memory. */
async function open(dialect: ConversationDialect, upstream = {}): Promise<Ground> {
  const stack = new AsyncDisposableStack()
  const provider = stack.use(await TestProvider.open())
  const gateway = stack.use(await openTestGateway([candidateAt(provider, kinds[dialect])], { upstream }))
  // A provider that fails thousands of times is left alone; here each failure is to reach it.
  gateway.parts.breaker.admits = () => true
  return { provider, gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** The provider cuts its answer at every byte, once by hanging up and once by an end as if it were whole. */
async function cuts(dialect: ConversationDialect): Promise<Finding[]> {
  await using ground = await open(dialect)
  const { provider, gateway } = ground
  const bytes = recorded[dialect]
  const text = bytes.toString('utf8')
  const counts: Record<string, number> = {}
  const broken: string[] = []
  let calls = 0
  for (const how of ['hangs up', 'ends'] as const)
    for (let at = 0; at <= bytes.length; at++) {
      provider.play = (_request, response) => {
        response.writeHead(200, sse)
        if (how === 'ends') response.end(bytes.subarray(0, at))
        // The bytes are to be on their way before the line is cut.
        else response.write(bytes.subarray(0, at), () => setImmediate(() => response.destroy()))
      }
      const answer = await gateway.ask(paths[dialect], body)
      const verdict = verdictOf(dialect, answer.status, await answer.text(), text)
      counts[verdict] = (counts[verdict] ?? 0) + 1
      if (verdict === 'broken') broken.push(`${how} at ${at}`)
      calls++
    }
  await gateway.gateway.written()
  const whole = gateway.calls.filter(({ status }) => status === 200)
  const exact = whole.filter(({ counts }) => counts.input === 100 && counts.output === 30 && !counts.estimated).length
  say(`${dialect}: cut at each of ${bytes.length} bytes, twice: ${JSON.stringify(counts)}`)
  return [
    {
      what: `${dialect}: every cut answer is whole or ends with an error`,
      holds: broken.length === 0,
      seen: broken.slice(0, 3).join(', ') || String(calls),
    },
    {
      what: `${dialect}: every call is metered, once`,
      holds: gateway.calls.length === calls && new Set(gateway.calls.map((one) => one.requestId)).size === calls,
      seen: `${gateway.calls.length} of ${calls}`,
    },
    {
      what: `${dialect}: whole answers are counted exactly`,
      holds: exact === (counts.whole ?? 0),
      seen: `${exact} of ${counts.whole ?? 0}`,
    },
  ]
}

/** Clients that leave at any moment: the provider hears of it at once, and every call is metered. */
async function leaving(dialect: ConversationDialect, many: number): Promise<Finding[]> {
  await using ground = await open(dialect)
  const { provider, gateway } = ground
  const bytes = recorded[dialect]
  const late: number[] = []
  provider.play = (_request, response) => {
    let at = 0
    const timer = setInterval(() => {
      if (at === 0) response.writeHead(200, sse)
      response.write(bytes.subarray(at, at + 40))
      at += 40
      if (at >= bytes.length - 100) clearInterval(timer)
    }, 2)
    response.on('close', () => clearInterval(timer))
  }
  for (let at = 0; at < many; at++) {
    const leave = new AbortController()
    const asked = gateway
      .ask(paths[dialect], body, { signal: leave.signal })
      .then((answer) => answer.text())
      .catch(() => null)
    for (const heard = provider.heard.length; provider.heard.length === heard; ) await sleep(1)
    await sleep(Math.random() * 30)
    const left = performance.now()
    leave.abort()
    const hungUp = await Promise.race([provider.heard.at(-1)?.hungUp, sleep(3000, Number.POSITIVE_INFINITY)])
    late.push((hungUp ?? Number.POSITIVE_INFINITY) - left)
    await asked
  }
  await sleep(50)
  await gateway.gateway.written()
  const worst = Math.max(...late)
  const metered = gateway.calls.filter(({ status }) => status === 499).length
  return [
    {
      what: `${dialect}: who leaves has the provider’s side ended within 100 ms`,
      holds: worst < 100,
      seen: `${worst.toFixed(1)} ms at most, ${many} left`,
    },
    { what: `${dialect}: who left is metered`, holds: metered === many, seen: `${metered} of ${many}` },
  ]
}

/** A provider that says nothing more: before its head, and behind each of its events. */
async function hanging(dialect: ConversationDialect): Promise<Finding[]> {
  await using ground = await open(dialect, { headMs: 300, pauseMs: 300 })
  const { provider, gateway } = ground
  const bytes = recorded[dialect]
  const ends = [-1, 0, ...[...bytes.toString('latin1').matchAll(/\n/g)].map(({ index }) => index + 1)].slice(0, -2)
  let next = 0
  provider.play = (_request, response) => {
    const at = ends[next++] ?? 0
    if (at >= 0) response.writeHead(200, sse).write(bytes.subarray(0, at))
  }
  const one = async () => {
    const answer = await gateway.ask(paths[dialect], body)
    return verdictOf(dialect, answer.status, await answer.text(), bytes.toString('utf8'))
  }
  const verdicts = await Promise.all(ends.map(one))
  const broken = verdicts.filter((verdict) => verdict !== 'ended with an error' && verdict !== 'refused').length
  return [{ what: `${dialect}: a provider that hangs is given up with an error`, holds: broken === 0, seen: `${verdicts.length} hung` }]
}

/** Many calls that end in every way leave nothing behind. */
async function many(count: number): Promise<Finding[]> {
  await using ground = await open('messages')
  const { provider, gateway } = ground
  const bytes = recorded.messages
  provider.play = (_request, response) => {
    const luck = Math.random()
    response.writeHead(luck < 0.1 ? 500 : 200, luck < 0.1 ? { 'content-type': 'application/json' } : sse)
    if (luck < 0.1) response.end('{"type":"error"}')
    else if (luck < 0.5) response.end(bytes)
    else response.write(bytes.subarray(0, Math.floor(Math.random() * bytes.length)), () => setImmediate(() => response.destroy()))
  }
  const run = async (calls: number): Promise<void> => {
    let left = calls
    const line = async (): Promise<void> => {
      while (left-- > 0) {
        const signal = Math.random() < 0.1 ? AbortSignal.timeout(Math.ceil(Math.random() * 5)) : undefined
        await gateway
          .ask(paths.messages, body, signal === undefined ? {} : { signal })
          .then((answer) => answer.text())
          .catch(() => null)
        provider.heard.length = 0
      }
    }
    await Promise.all(Array.from({ length: 16 }, line))
    await sleep(100)
    await gateway.gateway.written()
    gateway.calls.length = 0
  }
  await run(2000)
  const before = await standing()
  await run(count)
  const after = await standing()
  return [
    { what: `${count} calls: heap`, holds: after.heap - before.heap < 8, seen: `${before.heap} -> ${after.heap} MB` },
    {
      what: `${count} calls: descriptors`,
      holds: after.descriptors - before.descriptors < 40,
      seen: `${before.descriptors} -> ${after.descriptors}`,
    },
  ]
}

/**
 * Streams of inference that go wrong in every way: cut at every byte, left by the client, hanging, many thousands. Each is whole or ended with an error of its dialect, each is
 * metered, and nothing is left behind. `--calls` sets how many (10,000).
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { calls: { type: 'string', default: '10000' } } })
  const findings: Finding[] = []
  for (const dialect of conversationDialects)
    findings.push(...(await cuts(dialect)), ...(await leaving(dialect, 50)), ...(await hanging(dialect)))
  findings.push(...(await many(Number(values.calls))))
  const rows = findings.map(({ what, holds, seen }) => [holds ? 'holds' : 'BROKEN', what, seen])
  process.stdout.write(`\n${table(['', 'what must hold', 'seen'], rows)}\n`)
  const broken = findings.filter(({ holds }) => !holds).length
  process.stdout.write(`${JSON.stringify({ proof: 'streams', findings: findings.length, broken })}\n`)
  return broken === 0
}
