import { spawn } from 'node:child_process'
import { type Refused, refusedOf } from './ruleset.ts'

/** Units: milliseconds. */
const deadlineMs = 10_000

/** The packet filter of the machine this process runs on. */
export interface PacketFilter {
  /** All of the rules or none of them. Rejects with what nft says. */
  apply(rules: string): Promise<void>
  /** What is in each set of the table at one moment, as rules name it; null: there is no such table. */
  sets(table: string): Promise<Record<string, string[]> | null>
  refused(table: string): Promise<Refused[]>
  /** Names of all tables of the family `inet`, whosever they are. */
  tables(): Promise<string[]>
}

export const nft: PacketFilter = {
  async apply(rules) {
    await run(['-f', '-'], rules)
  },
  async sets(table) {
    const json = await list('table', 'inet', table)
    if (json === null) return null
    const { nftables } = JSON.parse(json) as { nftables: { set?: { name: string; elem?: unknown[] } }[] }
    return Object.fromEntries(nftables.flatMap(({ set }) => (set === undefined ? [] : [[set.name, (set.elem ?? []).map(wordOf)]])))
  },
  async refused(table) {
    const json = await list('set', 'inet', table, 'refused')
    return json === null ? [] : refusedOf(json)
  },
  async tables() {
    const { nftables } = JSON.parse(await run(['-j', 'list', 'tables', 'inet'])) as { nftables: { table?: { name: string } }[] }
    return nftables.flatMap(({ table }) => (table === undefined ? [] : [table.name]))
  },
}

function wordOf(element: unknown): string {
  if (typeof element === 'number') return String(element)
  const { concat } = element as { concat?: unknown[] }
  return Array.isArray(concat) ? concat.join(' . ') : `"${element}"`
}

/** Null: it is not there. */
async function list(...what: string[]): Promise<string | null> {
  try {
    return await run(['-j', 'list', ...what])
  } catch (error) {
    if (/No such file or directory/.test(String(error))) return null
    throw error
  }
}

function run(args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: deadlineMs, killSignal: 'SIGKILL' })
    let out = ''
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(`nft: ${said.trim().slice(0, 500) || `ended with ${code}`}`))
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
