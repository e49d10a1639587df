import { sessionImage } from '../../config.ts'
import type { Ground, Machine, Outcome, Try } from './ground.ts'
import { program } from './ground.ts'
import type { Service } from './listeners.ts'

const port = 8099

/** Whether a container that no filter keeps reaches the address: if it does not, a refusal to a session proves nothing. */
async function reachedWithoutFilter(address: string, at: number): Promise<boolean> {
  const script = `timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${at}' && echo reached`
  const args = ['run', '--rm', '--label', 'helix.proof=isolation', '--entrypoint', 'bash', sessionImage, '-c', script]
  return (await program('docker', args, 60_000)).out.endsWith('reached')
}

/** Refused to the session, and reached without the filter. */
async function kept(attacker: Machine, targets: readonly [string, number][]): Promise<Outcome> {
  const [first] = targets
  if (first === undefined) return { held: null, seen: 'there is no address to try' }
  if (!(await reachedWithoutFilter(...first))) return { held: false, seen: `${first.join(':')} is not reached without the filter either` }
  for (const [address, at] of targets) if (await attacker.reaches(address, at)) return { held: false, seen: `${address}:${at} was reached` }
  return { held: true, seen: `${targets.length} refused, reached without the filter` }
}

/** Of the machine, with the gateway of the session among them. */
async function machineAddresses({ attacker, listeners }: Ground): Promise<string[]> {
  const { out } = await attacker.root(
    "getent ahostsv4 host.docker.internal | cut -d' ' -f1 | head -1; ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'",
  )
  const known = out.split('\n').filter(Boolean)
  return [...new Set([...known, ...listeners.addresses])]
}

const service = (name: Service): Try => ({
  name: `${name} of the machine, on each of its addresses`,
  async run(ground) {
    const at = ground.listeners.ports.get(name) ?? 0
    const addresses = await machineAddresses(ground)
    return kept(
      ground.attacker,
      addresses.map((address) => [address, at]),
    )
  },
})

async function another({ attacker, victim }: Ground): Promise<Outcome> {
  const theirs = await victim.address()
  await victim.root(`nohup python3 -m http.server ${port} >/dev/null 2>&1 & sleep 1`)
  const own = await victim.root(`timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}' && echo reached`)
  if (!own.out.endsWith('reached')) return { held: false, seen: 'the other session does not listen' }
  for (const at of [port, 7070]) if (await attacker.reaches(theirs, at)) return { held: false, seen: `${theirs}:${at} was reached` }
  return { held: true, seen: 'refused: its supervisor and its own server' }
}

const undo = `iptables -F; iptables-legacy -F; iptables -P OUTPUT ACCEPT; nft flush ruleset
  ip link set eth0 address 02:00:00:00:00:99; ip addr add 10.222.77.8/24 dev eth0; ip route add 10.222.77.0/24 dev eth0; ip route add 169.254.0.0/16 dev eth0; true`

export const network: Try[] = [
  service('Docker engine'),
  service('Temporal'),
  service('PostgreSQL'),
  {
    name: 'another service of the machine',
    run: (ground) =>
      machineAddresses(ground).then((all) =>
        kept(
          ground.attacker,
          all.map((one) => [one, ground.standIns.servicePort]),
        ),
      ),
  },
  { name: 'metadata address of a cloud', run: ({ attacker, standIns }) => kept(attacker, [[standIns.metadata, port]]) },
  { name: 'private network', run: ({ attacker, standIns }) => kept(attacker, [[standIns.inner, port]]) },
  { name: 'another session', run: another },
  {
    name: 'flush rules, change address and routes; all of it again',
    async run(ground) {
      const { attacker, standIns } = ground
      await attacker.root(undo)
      const theirs = await ground.victim.address()
      const targets: [string, number][] = [
        [standIns.inner, port],
        [standIns.metadata, port],
        [theirs, port],
        [theirs, 7070],
      ]
      for (const address of ground.listeners.addresses) targets.push([address, standIns.servicePort])
      for (const [address, at] of targets)
        if (await attacker.reaches(address, at)) return { held: false, seen: `${address}:${at} was reached` }
      return { held: true, seen: `${targets.length} refused` }
    },
  },
]
