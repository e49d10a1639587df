import type { EgressMode } from '@helix/contract/egress'
import { closedRanges } from './ranges.ts'

/** The table of one host on its machine. */
export interface TableInput {
  /** Of this host alone. */
  table: string
  /** What the names of its sessions' bridges begin with. */
  bridges: string
  /** Addresses that names are asked at, for sessions that go out by themselves. */
  resolvers: readonly string[]
  /** Networks that the operator opened for them. */
  opened: readonly string[]
  /** Port of the proxy on this machine. */
  proxyPort: number
}

const set = (name: string, type: string, elements: readonly string[], flags = ''): string =>
  `set ${name} { type ${type}; ${flags} ${elements.length > 0 ? `elements = { ${elements.join(', ')} };` : ''} }`

/**
 * The whole table, made anew in one transaction: what stands keeps standing until it is replaced. A bridge that no set names gets nothing but the control
 * plane, so that a session whose rules are not there yet is closed and never open. Its own priority makes it independent of the engine's rules.
 */
export function tableRules(input: TableInput): string {
  const { table, bridges, proxyPort } = input
  const from = `iifname "${bridges}*"`
  return `add table inet ${table}
delete table inet ${table}
table inet ${table} {
  ${set('closed', 'ipv4_addr', closedRanges, 'flags interval;')}
  ${set('opened', 'ipv4_addr', input.opened, 'flags interval; auto-merge;')}
  ${set('resolvers', 'ipv4_addr', input.resolvers)}
  ${set('control', 'ipv4_addr . inet_service', [])}
  ${set('control_here', 'inet_service', [])}
  ${set('open_bridges', 'ifname', [])}
  ${set('listed_bridges', 'ifname', [])}
  ${set('held', 'inet_service', ['1'])}
  set refused { type ifname . ipv4_addr . inet_proto . inet_service; size 65536; flags dynamic,timeout; timeout 10m; }
  chain refuse {
    meta l4proto { tcp, udp } add @refused { iifname . ip daddr . meta l4proto . th dport }
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
  chain outward {
    ct state established,related accept
    meta nfproto ipv6 drop
    ip daddr . tcp dport @control accept
    iifname @open_bridges ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept
    iifname @open_bridges ip daddr @opened accept
    iifname @open_bridges ip daddr != @closed accept
    goto refuse
  }
  chain inward {
    ct state established,related accept
    drop
  }
  chain to_machine {
    ct state established,related accept
    meta nfproto ipv6 drop
    tcp dport @control_here accept
    ip daddr . tcp dport @control accept
    iifname @listed_bridges tcp dport ${proxyPort} accept
    goto refuse
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ${from} jump outward
    oifname "${bridges}*" jump inward
  }
  chain input {
    type filter hook input priority -10; policy accept;
    ${from} jump to_machine
  }
}
`
}

/** Where sessions reach the control plane. `addresses` null: at this port of the machine itself. */
export interface ControlPlaneAt {
  addresses: readonly string[] | null
  port: number
}

export function controlPlaneRules(table: string, { addresses, port }: ControlPlaneAt): string {
  if (addresses === null) return `add element inet ${table} control_here { ${port} }\n`
  return `add element inet ${table} control { ${addresses.map((address) => `${address} . ${port}`).join(', ')} }\n`
}

const setOf: Record<EgressMode, string | null> = { open: 'open_bridges', listed: 'listed_bridges', closed: null }

/** What was let through before, word for word, for a table that is laid again. */
export function keptRules(table: string, elements: Record<string, readonly string[]>): string {
  return Object.entries(elements)
    .filter(([, all]) => all.length > 0)
    .map(([name, all]) => `add element inet ${table} ${name} { ${all.join(', ')} }\n`)
    .join('')
}

/** Puts a bridge where its policy says. It may be there already. */
export function bridgeRules(table: string, bridge: string, mode: EgressMode | null): string {
  const to = mode === null ? null : setOf[mode]
  const lines = ['open_bridges', 'listed_bridges'].map((name) =>
    name === to
      ? `add element inet ${table} ${name} { "${bridge}" }`
      : // Deleting what is not there is an error: it is added first.
        `add element inet ${table} ${name} { "${bridge}" }\ndelete element inet ${table} ${name} { "${bridge}" }`,
  )
  return `${lines.join('\n')}\n`
}

export interface Refused {
  bridge: string
  address: string
  protocol: string
  port: number
}

/** What `nft -j list set` says of the set of refused connections. */
export function refusedOf(json: string): Refused[] {
  const { nftables } = JSON.parse(json) as { nftables: { set?: { elem?: unknown[] } }[] }
  const elements = nftables.flatMap((one) => one.set?.elem ?? []) as { elem?: { val?: { concat?: unknown[] } } }[]
  return elements.flatMap(({ elem }) => {
    const [bridge, address, protocol, port] = elem?.val?.concat ?? []
    if (typeof bridge !== 'string' || typeof address !== 'string') return []
    return [{ bridge, address, protocol: String(protocol), port: Number(port) }]
  })
}
