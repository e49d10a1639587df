import { readFile } from 'node:fs/promises'
import type { SessionId } from '@helix/contract/ids'
import { type Engine, EngineError, type Labels, type Network } from '../engine/engine.ts'
import { freeSubnets, routesOf } from '../engine/subnets.ts'
import { bridgeName, networkName, type Owner, ownerLabels, type Stem, sessionOf } from './names.ts'

/** How many ranges are tried when others take them between the look and the call. */
const tries = 20

/** A session's own network; answers with its ranges. Docker's default ranges are large and few (about 30 networks), so that ranges are chosen here. */
export async function ensureNetwork(engine: Engine, owner: Owner, range: string, stem: Stem, labels: Labels): Promise<readonly string[]> {
  const name = networkName(owner, stem)
  const networks = await engine.listNetworks()
  const found = networks.find((network) => network.name === name)
  if (found !== undefined) return found.subnets
  const taken = [...networks.flatMap(({ subnets }) => subnets), ...(await routesOfThisMachine())]
  let left = tries
  for (const subnet of freeSubnets(range, taken, seedOf(stem))) {
    try {
      await engine.createNetwork({ name, subnet, labels, link: bridgeName(owner, stem) })
      return [subnet]
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      // Somebody made it meanwhile.
      if (error.kind === 'conflict') return ensureNetwork(engine, owner, range, stem, labels)
      if (error.kind !== 'overlap' || left-- === 0) throw error
    }
  }
  throw new Error(`every network of ${range} is taken: give HELIX_SESSION_SUBNETS a larger range`)
}

/** All of this host's. */
export async function sessionNetworks(engine: Engine, owner: Owner): Promise<Network[]> {
  const labels = Object.entries(ownerLabels(owner))
  return (await engine.listNetworks()).filter((network) => labels.every(([name, value]) => network.labels[name] === value))
}

export async function removeNetworks(engine: Engine, sessionId: SessionId): Promise<void> {
  const networks = (await engine.listNetworks()).filter(({ labels }) => sessionOf(labels) === sessionId)
  await Promise.all(networks.map(({ id }) => engine.removeNetwork(id)))
}

/** The end of an id is random, its start is a clock. */
function seedOf(stem: Stem): number {
  return [...stem.slice(-8)].reduce((sum, letter) => (sum * 33 + letter.charCodeAt(0)) % 2 ** 31, 7)
}

async function routesOfThisMachine(): Promise<string[]> {
  try {
    return routesOf(await readFile('/proc/net/route', 'utf8'))
  } catch (error) {
    // Only Linux has it; elsewhere the engine lives in a virtual machine with routes of its own.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
