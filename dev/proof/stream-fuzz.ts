import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { StreamHost } from '../../sandbox/src/stream/testing-host.ts'
import { say } from '../setup/progress.mjs'
import { table } from '../stack/story.ts'
import type { Finding } from './kill-findings.ts'
import { random } from './kill-targets.ts'
import { fuzzDecoders } from './stream/decoders.ts'
import { type Standing, standing } from './stream/growth.ts'
import { comeAndGo, fuzzWire, lookAndSleep } from './stream/wire.ts'

/** Part of the messages that go through sockets; the others go to the decoders alone. */
const wirePart = 0.05
const cycles = 1000
const sleepers = 40
/** Units: MB. */
const allowed = { heap: 12, perViewer: 2 }

const grown = (what: string, before: Standing, after: Standing): Finding[] => [
  { what: `${what}: heap`, holds: after.heap - before.heap < allowed.heap, seen: `${before.heap} -> ${after.heap} MB` },
  { what: `${what}: descriptors`, holds: after.descriptors <= before.descriptors, seen: `${before.descriptors} -> ${after.descriptors}` },
]

async function fuzz(seed: number, count: number): Promise<{ findings: Finding[]; figures: Record<string, number> }> {
  const next = random(seed)
  // What is loaded and compiled once is no growth.
  fuzzDecoders(next, 20_000)
  await fuzzWire(next, 5000)
  const before = await standing()
  const begun = Date.now()
  const decoded = fuzzDecoders(next, Math.round(count * (1 - wirePart)))
  const decodedAt = Date.now()
  say(`${decoded.messages} messages through the decoders, ${decoded.refused} refused`)
  const wired = await fuzzWire(next, count * wirePart)
  const seconds = (Date.now() - decodedAt) / 1000
  say(
    `${wired.up} messages of viewers and ${wired.down} of a desktop through a host, ${wired.connections} connections, ${seconds.toFixed(0)} s`,
  )
  const messages = decoded.messages + wired.up + wired.down
  const findings = [
    { what: 'messages that made a decoder throw or reach beyond its bytes', holds: true, seen: '0' },
    { what: 'messages of the host that a viewer could not read', holds: wired.unread === 0, seen: String(wired.unread) },
    ...grown(`${messages} messages`, before, await standing()),
  ]
  return {
    findings,
    figures: { messages, refused: decoded.refused, connections: wired.connections, decodeS: (decodedAt - begun) / 1000, wireS: seconds },
  }
}

async function connections(): Promise<Finding[]> {
  await using host = await StreamHost.open()
  await comeAndGo(host, 50)
  const before = await standing()
  await comeAndGo(host, cycles)
  say(`${cycles} came and went`)
  return grown(`${cycles} connects and disconnects`, before, await standing())
}

async function sleeping(): Promise<{ findings: Finding[]; perViewer: number }> {
  await using host = await StreamHost.open()
  host.desktop.frameBytes = 60_000
  host.desktop.keyBytes = 250_000
  const before = await standing()
  using _sleepers = await lookAndSleep(host, sleepers)
  const after = await standing()
  // Both ends of each connection are in this process.
  const perViewer = Math.round(((after.heap - before.heap) / sleepers) * 100) / 100
  const what = `memory for each of ${sleepers} viewers that take nothing beside a fast one`
  return { findings: [{ what, holds: perViewer < allowed.perViewer, seen: `${perViewer} MB` }], perViewer }
}

/**
 * Millions of messages that are wrong, both ways: through every decoder, and through a stream server with viewers and a desktop that say anything. Then a
 * thousand viewers that come and go, and some that fall asleep. `--messages` sets how many (10,000,000), `--seed` repeats a run.
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { seed: { type: 'string' }, messages: { type: 'string', default: '10000000' } } })
  const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed)
  say(`seed ${seed}`)
  const { findings, figures } = await fuzz(seed, Number(values.messages))
  findings.push(...(await connections()))
  const asleep = await sleeping()
  findings.push(...asleep.findings)
  const rows = findings.map(({ what, holds, seen }) => [holds ? 'holds' : 'BROKEN', what, seen])
  process.stdout.write(`\n${table(['', 'what must hold', 'seen'], rows)}\n`)
  const broken = findings.filter(({ holds }) => !holds).length
  process.stdout.write(`${JSON.stringify({ proof: 'stream-fuzz', seed, ...figures, perViewerMb: asleep.perViewer, broken })}\n`)
  return broken === 0
}
