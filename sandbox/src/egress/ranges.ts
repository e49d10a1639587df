import { BlockList, isIP } from 'node:net'

/**
 * Where no session goes unless the operator opened it: this machine and its neighbours, other sessions, cloud metadata, carriers' own networks, and what
 * is no single host (RFC 6890, RFC 6598).
 */
export const closedRanges = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3'],
]

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits = '32'] = range.split('/')
    list.addSubnet(network, Number(bits), 'ipv4')
  }
  return list
}

/** Whether an address is one that sessions may be led to. IPv6 is not: sessions have none, and what is mapped into it would be a way around. */
export function reachable(opened: readonly string[]): (address: string) => boolean {
  const [closed, exceptions] = [listOf(closedRanges), listOf(opened)]
  return (address) => isIP(address) === 4 && (exceptions.check(address) || !closed.check(address))
}
