import { parseArgs } from 'node:util'
import { type Rung, rung as rungSchema } from '@helix/contract/isolation'
import { listHosts } from '@helix/contract/system'
import Docker from 'dockerode'
import { say } from '../setup/progress.mjs'
import { table } from '../stack/story.ts'
import { Ground, type Outcome, type Try } from './isolation/ground.ts'
import { kernel } from './isolation/kernel.ts'
import { limits } from './isolation/limits.ts'
import { network } from './isolation/network.ts'
import { secrets } from './isolation/secrets.ts'

/** A new session starts and the host is well, after everything. */
const stillWorks: Try = {
  name: 'afterwards the host works and a new session starts',
  async run(ground) {
    const { items } = await ground.scratch.call(listHosts, {})
    const problem = items[0]?.online ? items[0].problem : 'the host is offline'
    if (problem !== null) return { held: false, seen: problem ?? 'there is no host' }
    const restarts = ground.scratch.stack.process('sandbox-host').restarts
    const { out } = await (await ground.begin('afterwards')).agent('echo well')
    return { held: out === 'well' && restarts === 0, seen: `a new session says ${out}; the host process ended ${restarts} times` }
  },
}

const tries: Try[] = [...network, ...kernel, ...secrets, ...limits, stillWorks]

/** Rungs that this machine's engine offers, as the host would take them. */
async function rungsHere(): Promise<Rung[]> {
  const { Runtimes, SecurityOptions } = await new Docker().info()
  const users = (SecurityOptions as string[]).includes('name=userns')
  const gvisor = Object.keys(Runtimes as object).includes('runsc')
  return [...(gvisor ? (['gvisor'] as const) : []), ...(users ? (['userns'] as const) : []), 'plain']
}

async function attempt(one: Try, ground: Ground): Promise<Outcome> {
  try {
    return await one.run(ground)
  } catch (error) {
    return { held: false, seen: error instanceof Error ? error.message.slice(0, 160) : String(error) }
  }
}

/** The rung that was really taken, and what each try came to. */
async function attack(rung: Rung, chosen: readonly Try[]): Promise<{ taken: string; outcomes: Outcome[] }> {
  await using ground = await Ground.open(rung, (text) => say(`${rung}: ${text}`))
  const { items } = await ground.scratch.call(listHosts, {})
  const outcomes: Outcome[] = []
  for (const one of chosen) {
    const outcome = await attempt(one, ground)
    outcomes.push(outcome)
    say(`${rung}: ${one.name}: ${word(outcome)} (${outcome.seen})`)
  }
  return { taken: `${items[0]?.rung ?? 'unknown'}${items[0]?.innerDocker ? ' with Docker inside' : ''}`, outcomes }
}

const word = ({ held }: Outcome): string => (held === null ? 'not tried' : held ? 'held' : 'OPEN')

/**
 * From inside a session, as root and as the agent, tries to get at what is not the session's, and past its limits, on each rung that this machine offers.
 * What it may not reach are stand-ins of this proof. `--rung` takes one rung, `--only` the tries whose name a pattern finds.
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { rung: { type: 'string' }, only: { type: 'string', default: '' } } })
  if (process.getuid?.() !== 0) throw new Error('this proof makes network namespaces: run it as root')
  const rungs = values.rung === undefined ? await rungsHere() : [rungSchema.parse(values.rung)]
  const chosen = tries.filter(({ name }) => new RegExp(values.only).test(name))
  const columns: { rung: Rung; taken: string; outcomes: Outcome[] }[] = []
  for (const rung of rungs) columns.push({ rung, ...(await attack(rung, chosen)) })
  const rows = chosen.map(({ name }, index) => [name, ...columns.map(({ outcomes }) => word(outcomes[index] ?? { held: null, seen: '' }))])
  process.stdout.write(`\n${table(['try', ...columns.map(({ taken }) => taken)], rows)}\n`)
  const missed = columns.filter(({ rung, taken }) => !taken.startsWith(rung)).map(({ rung, taken }) => `${rung} (taken: ${taken})`)
  if (missed.length > 0) process.stdout.write(`\nrungs that did not work here: ${missed.join(', ')}\n`)
  const open = columns.flatMap(({ outcomes }) => outcomes).filter(({ held }) => held === false).length
  process.stdout.write(`\n${chosen.length} tries on ${columns.length} rungs, ${open} open\n`)
  return open === 0 && missed.length === 0
}
