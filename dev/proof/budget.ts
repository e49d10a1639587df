import { randomBytes, randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { openDatabase } from '@helix/web/server/db/database.ts'
import { say } from '../setup/progress.mjs'
import { type ControlPlane, openControlPlane } from '../stack/control-plane.ts'
import { openPostgres } from '../stack/postgres.ts'
import { table } from '../stack/story.ts'
import { openProvider, worst } from './budget/provider.ts'
import { type Ground, killing, newOrganisation, type Round, round } from './budget/rounds.ts'
import type { Finding } from './kill-findings.ts'
import { random } from './kill-targets.ts'

interface Rounds {
  /** Every call costs the most it can. */
  exact: Round[]
  /** It costs any part of that. */
  lower: Round[]
  /** One of the processes is killed meanwhile. */
  killed: Round[]
}

async function run(seed: number, rounds: number, kills: number): Promise<Rounds> {
  await using postgres = await openPostgres()
  await using provider = await openProvider()
  const key = randomBytes(32).toString('hex')
  const env = { DATABASE_URL: postgres.url, HELIX_ENCRYPTION_KEY: key, OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: 'sk-mock' }
  const open = (): Promise<ControlPlane> => openControlPlane(env)
  await using first = await open()
  await using database = await openDatabase(postgres.url, '')
  const next = random(seed)
  const done: Rounds = { exact: [], lower: [], killed: [] }
  let number = 0
  const ground = (second: ControlPlane): Ground => ({
    provider,
    planes: [first, second],
    next,
    organisation: () => newOrganisation(database, first, `Round ${++number}`),
  })
  {
    await using second = await open()
    for (let index = 0; index < rounds; index++) {
      const exact = index % 2 === 0
      const played = await round(ground(second), exact ? () => 1 : next)
      done[exact ? 'exact' : 'lower'].push(played)
      say(`round ${index + 1} of ${rounds}: ${said(played)}`)
    }
  }
  for (let index = 0; index < kills; index++) {
    await using second = await open()
    const on = ground(second)
    const played = await round(on, next() < 0.5 ? () => 1 : next, killing(on))
    done.killed.push(played)
    say(`kill ${index + 1} of ${kills}: ${said(played)}`)
  }
  return done
}

const said = ({ passed, refused, lost, limit, billed }: Round): string =>
  `${passed} passed, ${refused} refused, ${lost} lost; ${billed} of ${limit} tokens`

const most = (values: number[]): number => Math.max(0, ...values)

function findingsOf({ exact, lower, killed }: Rounds): Finding[] {
  const all = [...exact, ...lower, ...killed]
  const calm = [...exact, ...lower]
  const over = most(all.map(({ billed, limit }) => billed - limit))
  const unused = (rounds: Round[]): number => most(rounds.map(({ billed, limit }) => limit - billed))
  const strange = all.flatMap(({ others }) => others)
  const lost = calm.reduce((sum, one) => sum + one.lost, 0)
  const percent = (tokens: number): string => `${tokens} tokens (${((tokens / (50 * worst)) * 100).toFixed(1)} %)`
  return [
    { what: `overshoot in ${all.length} rounds`, holds: over === 0, seen: `${over} tokens` },
    {
      what: `${exact.length} rounds of calls that cost all they can: exactly 50 of 200 pass`,
      holds: exact.every(({ passed, billed, limit }) => passed === 50 && billed === limit),
      seen: [...new Set(exact.map(({ passed }) => passed))].join(', '),
    },
    {
      what: `${lower.length} rounds of calls that cost less: what is left is less than one call may cost`,
      holds: unused(lower) < worst,
      seen: `at most ${percent(unused(lower))}`,
    },
    {
      what: 'the ledger says what the provider billed',
      holds: calm.every(({ spent, billed }) => spent === billed),
      seen: `off by at most ${most(calm.map(({ spent, billed }) => Math.abs(spent - billed)))}`,
    },
    {
      what: `${killed.length} kills: the ledger says no less than the provider billed, and no more than the limit`,
      holds: killed.every(({ spent, billed, limit }) => spent >= billed && spent <= limit),
      seen: killed.map(({ spent, billed }) => `${billed}/${spent}`).join(' '),
    },
    {
      what: 'a kill costs what the killed process held for calls: all else was used afterwards',
      holds: killed.every(({ spent, limit }) => limit - spent < worst),
      seen: `unused at most ${percent(unused(killed))}`,
    },
    { what: 'no other answers, and none missing without a kill', holds: strange.length + lost === 0, seen: `${strange.join(' ')} ${lost}` },
  ]
}

/**
 * 200 calls at once against a budget for exactly 50, through two control planes on PostgreSQL, in rounds; in the last ones a control plane is killed in the
 * middle. `--rounds` (20) and `--kills` (4) set how many, `--seed` repeats a run.
 */
export async function proof(args: string[]): Promise<boolean> {
  const options = { seed: { type: 'string' }, rounds: { type: 'string', default: '20' }, kills: { type: 'string', default: '4' } } as const
  const { values } = parseArgs({ args, options })
  const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed)
  say(`seed ${seed}; one call may cost ${worst} tokens`)
  const rounds = await run(seed, Number(values.rounds), Number(values.kills))
  const findings = findingsOf(rounds)
  const rows = findings.map(({ what, holds, seen }) => [holds ? 'holds' : 'BROKEN', what, seen])
  process.stdout.write(`\n${table(['', 'what must hold', 'seen'], rows)}\n`)
  const broken = findings.filter(({ holds }) => !holds).length
  const count = (name: keyof Rounds): number => rounds[name].length
  process.stdout.write(
    `${JSON.stringify({ proof: 'budget', seed, rounds: count('exact') + count('lower'), kills: count('killed'), broken })}\n`,
  )
  return broken === 0
}
