import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../stack/database.ts'
import type { ProcessName } from '../../stack/plans.ts'
import type { Scratch } from '../../stack/scratch.ts'
import type { Finding } from '../kill-findings.ts'
import { descriptorsOf, type Traces } from './traces.ts'

/** Units: milliseconds. What only the sweep finds goes a minute after it was seen. */
const sweepMs = 240_000
/** Connections of clients come and go. */
const slack = 12
const counted = ['control-plane', 'worker', 'sandbox-host'] as const
export type Counts = Record<(typeof counted)[number], number>

export function countDescriptors({ stack }: Scratch): Counts {
  const count = (name: ProcessName): number => descriptorsOf(stack.process(name).pid, stack.config.dataDir)
  return Object.fromEntries(counted.map((name) => [name, count(name)])) as Counts
}

const nothing = (what: string, left: readonly string[]): Finding => ({
  what,
  holds: left.length === 0,
  seen: left.length === 0 ? '0' : `${left.length}: ${left.slice(0, 3).join(', ')}`,
})

function leftNow(traces: Traces): Finding[] {
  return [
    nothing('no container is left', traces.named('container')),
    nothing('no volume is left', traces.named('volume')),
    nothing('no network is left', traces.named('network')),
    nothing('no bridge is left', traces.interfaces()),
    nothing('no rule of the engine’s firewall is left', traces.iptables()),
    nothing('no right in the host’s packet filter is left', traces.rights()),
    nothing('no process of a container is left', traces.processes()),
    nothing('no file of the host is left but its own', traces.hostFiles()),
    nothing('no temporary file is left', traces.temporaryFiles()),
  ]
}

async function rowsLeft(scratch: Scratch): Promise<Finding[]> {
  await using database = openDatabase(scratch.stack)
  const tokens = await database('session_tokens').whereNull('revoked_at').select('session_id as id')
  const living = await database('agent_sessions').whereNot('state', 'stopped').select('id', 'state')
  const places = await database('session_places').select('session_id as id')
  return [
    nothing(
      'every session is stopped',
      living.map(({ id, state }) => `${id} ${state}`),
    ),
    nothing(
      'no session waits for a place',
      places.map(({ id }) => id),
    ),
    nothing(
      'no session token opens anything',
      tokens.map(({ id }) => id),
    ),
  ]
}

function descriptorFindings(before: Counts, after: Counts): Finding[] {
  return counted.map((name) => ({
    what: `${name} closed what it opened`,
    holds: after[name] <= before[name] + slack,
    seen: `${before[name]} -> ${after[name]} descriptors`,
  }))
}

/** Once all sessions are over and no machine waits for another. */
export async function leftovers(scratch: Scratch, traces: Traces, before: Counts): Promise<{ findings: Finding[]; sweptAfterS: number }> {
  const begun = Date.now()
  for (;;) {
    const findings = [...leftNow(traces), ...(await rowsLeft(scratch)), ...descriptorFindings(before, countDescriptors(scratch))]
    const clean = findings.every(({ holds }) => holds)
    if (clean || Date.now() - begun > sweepMs) return { findings, sweptAfterS: (Date.now() - begun) / 1000 }
    await sleep(2000)
  }
}

/** After the installation itself ended. */
export const afterTheEnd = (traces: Traces): Finding[] => [
  nothing('no packet filter is left at the end', traces.table()),
  nothing('no process of the installation is left at the end', traces.ownProcesses()),
]
