import { lookup } from 'node:dns/promises'
import { readFile, writeFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { type EgressPolicy, egressPolicy } from '@helix/contract/egress'
import type { SessionId } from '@helix/contract/ids'
import type { Labels, Network } from '../engine/engine.ts'
import { parseRange } from '../engine/subnets.ts'
import { type Owner, type Stem, sessionOf } from '../sessions/names.ts'
import { EgressFilter } from './filter.ts'
import { nft, type PacketFilter } from './nft.ts'
import { EgressProxy } from './proxy.ts'
import { reachable } from './ranges.ts'
import type { ControlPlaneAt, Refused } from './ruleset.ts'
import { leftovers, TableHold } from './tables.ts'

/** The name under which a container reaches the machine it runs on. */
const machine = 'host.docker.internal'
const machineNames = [machine, 'localhost', '127.0.0.1']
/** Never answers: names of sessions that may not ask are asked there, and refused at once. */
const nobody = '192.0.2.53'
const policyLabel = 'helix.egress'

export const egressLabels = (policy: EgressPolicy): Labels => ({ [policyLabel]: JSON.stringify(policy) })

export interface EgressInput {
  owner: Owner
  /** Networks that the operator opened. */
  opened: readonly string[]
  /** Nameservers given by the operator; null: those of this machine. */
  nameservers: readonly string[] | null
  /** Keeps the proxy's port, which running sessions know. */
  stateDir: string
  stemOf(sessionId: SessionId): Stem
  packets?: PacketFilter
}

interface Client {
  policy: EgressPolicy
  /** Its network; empty until it is seen. */
  subnets: readonly string[]
  /** At the last look there was no network of it. */
  missing: boolean
}

/** What the sessions of this host may reach. */
export class Egress {
  private readonly input: EgressInput
  private readonly clients = new Map<SessionId, Client>()
  private readonly proxy: EgressProxy
  private readonly refusedNames = new Map<SessionId, Set<string>>()
  private filter: EgressFilter | null = null
  private hold: TableHold | null = null
  private proxyPort = 0
  nameservers: readonly string[] = []

  constructor(input: EgressInput) {
    this.input = input
    this.proxy = new EgressProxy({
      clientOf: (address) => this.clientOf(address),
      reachable: reachable(input.opened),
      refused: (sessionId, host, port) => this.noteRefused(sessionId, `${host}:${port}`),
    })
  }

  /** Answers with why sessions cannot be kept from anything here; null: they are. Asked again it finds what stands. */
  async begin(): Promise<string | null> {
    const { owner, opened, stemOf, packets = nft } = this.input
    if (this.proxyPort === 0) {
      this.nameservers = this.input.nameservers ?? (await machineNameservers())
      this.proxyPort = await this.listen(join(this.input.stateDir, 'proxy.port'))
    }
    this.filter ??= new EgressFilter({ owner, packets, opened, stemOf, resolvers: this.nameservers, proxyPort: this.proxyPort })
    this.hold ??= await TableHold.take(this.filter.table)
    return this.filter.begin()
  }

  /** Rules that somebody took off this machine are laid again; answers whether that was so. */
  async stand(): Promise<boolean> {
    return (await this.filter?.stand()) ?? false
  }

  get filtered(): boolean {
    return this.filter?.ready ?? false
  }

  /** Before the container of a session starts, and after its network was made. */
  async admit(sessionId: SessionId, policy: EgressPolicy, subnets: readonly string[], controlPlaneUrl: string): Promise<void> {
    this.clients.set(sessionId, { policy, subnets, missing: false })
    await this.filter?.admit(sessionId, policy.mode, await whereIs(controlPlaneUrl))
  }

  /** A session that an earlier boot started. */
  adopt(sessionId: SessionId, labels: Labels): void {
    if (this.clients.has(sessionId)) return
    const found = egressPolicy.safeParse(JSON.parse(labels[policyLabel] ?? 'null'))
    if (found.success) this.clients.set(sessionId, { policy: found.data, subnets: [], missing: false })
  }

  /** Variables that lead programs to the proxy; none for sessions that go out by themselves or not at all. */
  environment({ mode }: EgressPolicy, controlPlaneUrl: string): Record<string, string> {
    if (mode !== 'listed') return {}
    const proxy = `http://${machine}:${this.proxyPort}`
    const direct = ['localhost', '127.0.0.1', new URL(controlPlaneUrl).hostname].join(',')
    const names = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: direct }
    const small = Object.fromEntries(Object.entries(names).map(([name, value]) => [name.toLowerCase(), value]))
    return { ...names, ...small, NODE_USE_ENV_PROXY: '1' }
  }

  /** Whom a session asks for names. */
  nameserversOf({ mode }: EgressPolicy): readonly string[] {
    return mode === 'open' ? this.nameservers : [nobody]
  }

  /**
   * What was refused since the last look, one line for each session. `networks`: all of this host's, which say whose an address is, and whose rights can
   * go.
   */
  async look(networks: readonly Network[]): Promise<Map<SessionId, string>> {
    const bySession = new Map(networks.flatMap(({ labels, subnets }) => (sessionOf(labels) === null ? [] : [[sessionOf(labels), subnets]])))
    const sessions = [...bySession.keys()].filter((id) => id !== null)
    for (const [id, client] of this.clients) {
      const subnets = bySession.get(id)
      if (subnets === undefined && client.missing) this.clients.delete(id)
      client.missing = subnets === undefined
      client.subnets = subnets ?? client.subnets
    }
    const packets = (await this.filter?.refusals(sessions)) ?? new Map<SessionId, Refused[]>()
    await this.filter?.sweep(sessions)
    const lines = new Map<SessionId, string>()
    for (const id of sessions) {
      const addresses = (packets.get(id) ?? []).filter(({ address }) => address !== nobody)
      const all = [
        ...(this.refusedNames.get(id) ?? []),
        ...addresses.map(({ address, port, protocol }) => `${address}:${port}/${protocol}`),
      ]
      if (all.length > 0) lines.set(id, sentence(all))
    }
    this.refusedNames.clear()
    return lines
  }

  /** Takes every rule of this host off the machine. */
  async remove(): Promise<void> {
    await this.filter?.remove()
  }

  /** Removes what hosts of this machine left that died; answers with the names of their tables. */
  async removeLeftovers(): Promise<string[]> {
    if (!this.filtered || this.filter === null) return []
    const { packets = nft } = this.input
    const dead = await leftovers(packets, this.filter.table)
    for (const table of dead) await packets.apply(`add table inet ${table}\ndelete table inet ${table}\n`)
    return dead
  }

  async close(): Promise<void> {
    await this.hold?.[Symbol.asyncDispose]()
    this.hold = null
    await this.proxy[Symbol.asyncDispose]()
  }

  private clientOf(address: string): { sessionId: SessionId; domains: readonly string[] } | null {
    const at = parseRange(`${address}/32`)?.first
    if (at === undefined) return null
    for (const [sessionId, { policy, subnets }] of this.clients) {
      const ranges = subnets.map(parseRange).filter((range) => range !== null)
      if (!ranges.some(({ first, last }) => first <= at && at <= last)) continue
      return policy.mode === 'listed' ? { sessionId, domains: policy.domains } : null
    }
    return null
  }

  /** The port that sessions of an earlier boot know, if nobody took it. */
  private async listen(path: string): Promise<number> {
    const known = Number(await readFile(path, 'utf8').catch(() => '0'))
    const port = await this.proxy.listen(known).catch(() => this.proxy.listen(0))
    await writeFile(path, `${port}\n`, { mode: 0o600 })
    return port
  }

  private noteRefused(sessionId: SessionId, what: string): void {
    const known = this.refusedNames.get(sessionId) ?? new Set()
    if (known.size < 100) this.refusedNames.set(sessionId, known.add(what))
  }
}

/** Units: names told in one line. */
const most = 8

function sentence(all: readonly string[]): string {
  const more = all.length > most ? ` and ${all.length - most} more` : ''
  return `Refused by the network rules of the project: ${all.slice(0, most).join(', ')}${more}.`
}

async function whereIs(controlPlaneUrl: string): Promise<ControlPlaneAt> {
  const url = new URL(controlPlaneUrl)
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (machineNames.includes(url.hostname)) return { addresses: null, port }
  const found = await lookup(url.hostname, { all: true, family: 4 })
  return { addresses: found.map(({ address }) => address), port }
}

/** As the engine finds them: those of the machine that a container can reach. */
async function machineNameservers(): Promise<string[]> {
  for (const path of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    const text = await readFile(path, 'utf8').catch(() => '')
    const all = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, address = '']) => address)
    const usable = all.filter((address) => isIPv4(address) && !address.startsWith('127.'))
    if (usable.length > 0) return usable
  }
  return []
}
