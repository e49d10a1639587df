import { rungs } from '@helix/contract/isolation'
import type { HostState, Needs, Obstacle } from './model.ts'

interface Look {
  host: HostState
  obstacle: Obstacle | null
}

interface Refusal {
  /** It waits for room; else something must be changed first. */
  queues: boolean
  /** Without its position, which goes before it. */
  reason: string
}

const listed = new Intl.ListFormat('en')
const names = (hosts: readonly HostState[]): string => {
  const all = hosts.map(({ name }) => name).toSorted()
  return listed.format(all.length <= 4 ? all : [...all.slice(0, 3), `${all.length - 3} more`])
}
const gigabytes = (mb: number): string => String(Math.round(mb / 102.4) / 10)
const sum = (hosts: readonly HostState[], value: (host: HostState) => number): number => hosts.reduce((all, host) => all + value(host), 0)

/** Why none of these hosts takes the session, naming what is missing. Hosts of other organisations are not spoken of. */
export function reasonFor(needs: Needs, looked: readonly Look[]): Refusal {
  const known = looked.filter(({ obstacle }) => obstacle !== 'group' && obstacle !== 'elsewhere')
  const facing = (...obstacles: Obstacle[]): HostState[] =>
    known.filter(({ obstacle }) => obstacle !== null && obstacles.includes(obstacle)).map(({ host }) => host)
  const full = facing('places', 'memory', 'kept')
  if (full.length > 0) return { queues: true, reason: fullReason(needs, full, facing('memory'), facing('kept')) }
  const closed = facing('draining', 'cordoned')
  if (closed.length > 0) return { queues: true, reason: closedReason(closed) }
  const broken = facing('problem')
  if (broken.length > 0) return { queues: false, reason: brokenReason(broken) }
  const online = known.filter(({ obstacle }) => obstacle !== 'silent').map(({ host }) => host)
  if (online.length > 0) return { queues: false, reason: unfitReason(needs, online, facing('rung'), facing('egress')) }
  const reason =
    looked.length > 0 && known.length === 0
      ? 'Every sandbox host belongs to another organisation: waiting for one that is open'
      : 'No sandbox host is online: waiting for one'
  return { queues: false, reason }
}

function fullReason(needs: Needs, full: HostState[], memory: HostState[], kept: HostState[]): string {
  const home = needs.home === null ? '' : `its machine is on ${full[0]?.name}, where `
  if (kept.length === full.length) return `${home}the room that is left is kept for a larger session that waits for longer`
  const places = sum(full, (host) => host.places)
  const taken = sum(full, (host) => Math.min(host.taken, host.places))
  const idle = sum(full, (host) => host.idle)
  const soon = idle === 0 ? '' : `; ${idle} of them ${idle === 1 ? 'is idle and ends' : 'are idle and end'} soon`
  if (memory.length === 0) return `${home}${taken} of ${places} places are taken${soon}`
  const given = gigabytes(sum(memory, (host) => host.takenMb))
  const room = gigabytes(sum(memory, (host) => host.roomMb ?? 0))
  return `${home}no host has ${gigabytes(needs.memoryMb)} GB of memory left (${given} of ${room} GB are given away, ${taken} of ${places} places)${soon}`
}

function closedReason(closed: HostState[]): string {
  const draining = closed.filter(({ admission }) => admission === 'draining')
  if (draining.length === closed.length) return `all hosts that could are being drained: ${names(closed)}`
  if (draining.length === 0) return `all hosts that could are cordoned: ${names(closed)}`
  return `all hosts that could are cordoned or being drained: ${names(closed)}`
}

function brokenReason(broken: HostState[]): string {
  const [first] = broken
  if (broken.length === 1) return `Sandbox host ${first?.name} cannot run sessions: ${first?.problem}`
  return `None of the hosts that could can run sessions now (${names(broken)}); ${first?.name}: ${first?.problem}`
}

function unfitReason(needs: Needs, online: HostState[], rung: HostState[], egress: HostState[]): string {
  if (egress.length > 0) return 'The project limits what sessions reach, and no host that could keeps them from anything'
  if (rung.length > 0) {
    const strongest = rungs.findLast((one) => rung.some((host) => host.rung === one)) ?? 'unknown'
    return `The project asks for isolation "${needs.minimumRung}" or stronger; the hosts that could give "${strongest}" at best`
  }
  const labels = Object.entries(needs.labels)
  const absent = labels.find(([key, value]) => online.every((host) => host.labels[key] !== value))
  if (absent !== undefined) return `No host has label ${absent.join('=')}`
  return `No host has all of the labels ${listed.format(labels.map((label) => label.join('=')))}`
}
