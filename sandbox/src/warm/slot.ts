import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentRuntime } from '@helix/contract/agents'
import type { SlotFile } from '@helix/contract/link'
import { archiveOf } from '../engine/archive.ts'
import type { Engine } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { type Mould, volumesOf } from '../sessions/container.ts'
import { innerDockerVolume, networkName, type Owner, workspaceVolume } from '../sessions/names.ts'
import { ensureNetwork } from '../sessions/network.ts'
import { askWhetherReady } from './hand-over.ts'
import type { SlotLedger } from './ledger.ts'
import { newSlotId, slotLabels, slotOf } from './slot-labels.ts'

const slotFilePath = '/run/helix/slot.json'
/** Units: milliseconds. */
const readyMs = 30_000

/** Which containers can take a session's place: same mould, same image, same inner engine. */
export type Recipe = string

/** A machine that waits for a session: paused, with a network that nothing gets out of, and without anything of anybody. */
export interface Slot {
  id: string
  recipe: Recipe
  /** Volumes of agents that it has, by runtime. */
  packs: ReadonlyMap<AgentRuntime, string>
  containerId: string
  /** Host and port of its supervisor. */
  address: string
  subnets: readonly string[]
}

type Parts = Pick<Host, 'engine' | 'owner' | 'config' | 'certificates' | 'identity' | 'footing' | 'log'> & { slots: SlotLedger }

/** Opens a slot to its host alone. */
export const slotSecret = ({ identity }: Pick<Host, 'identity'>, id: string): string => identity.linkSecret(id, 0)

/** Makes a slot and leaves it paused. One that cannot be made leaves nothing behind, or else what the ledger knows as nobody's. */
export async function makeSlot(host: Parts, mould: Mould, recipe: Recipe, packs: ReadonlyMap<AgentRuntime, string>): Promise<Slot> {
  const id = newSlotId()
  await host.slots.note(id)
  try {
    return await build(host, { id, mould, recipe, packs })
  } catch (error) {
    await removeSlot(host, id).catch((failure: unknown) =>
      host.log.warn({ slot: id, reason: reasonOf(failure) }, 'a slot is left for later'),
    )
    throw error
  }
}

async function build(host: Parts, { id, mould, recipe, packs }: Pick<Slot, 'id' | 'recipe' | 'packs'> & { mould: Mould }): Promise<Slot> {
  const { engine, owner } = host
  const footing = host.footing()
  const labels = slotLabels(owner, id)
  const subnets = await ensureNetwork(engine, owner, host.config.session.subnets, id, labels)
  await engine.createVolume(workspaceVolume(owner, id), labels)
  if (footing.innerDocker !== 'none') await engine.createVolume(innerDockerVolume(owner, id), labels)
  const agents = [...packs].map(([runtime, volume]) => ({ runtime, volume }))
  const volumes = volumesOf(owner, id, agents, footing)
  const network = networkName(owner, id)
  const containerId = await engine.createContainer({ ...mould, name: network, labels, network, volumes })
  const secret = slotSecret(host, id)
  const file: SlotFile = { secret, innerDocker: footing.innerDocker }
  const files = [{ path: slotFilePath.slice(1), content: JSON.stringify(file), mode: 0o600 }, ...host.certificates.files]
  await engine.putArchive(containerId, '/', await archiveOf(files))
  await engine.startContainer(containerId)
  const address = await untilReady(engine, containerId, secret)
  await engine.pauseContainer(containerId).catch((error: unknown) => {
    // It waits as well awake, and costs little.
    host.log.debug({ slot: id, reason: reasonOf(error) }, 'a machine that waits cannot be paused')
  })
  return { id, recipe, packs, containerId, address, subnets }
}

async function untilReady(engine: Engine, containerId: string, secret: string): Promise<string> {
  let reason = 'it has no address'
  for (const end = Date.now() + readyMs; Date.now() < end; await sleep(100)) {
    const container = await engine.inspectContainer(containerId)
    if (!container?.running)
      throw new Error(`A machine that was to wait ended: ${(await engine.tailOutput(containerId, 3)).trim().slice(-500)}`)
    if (container.address === null) continue
    try {
      await askWhetherReady(container.address, secret)
      return container.address
    } catch (error) {
      reason = reasonOf(error)
    }
  }
  throw new Error(`A machine that was to wait is not ready after ${readyMs / 1000} s: ${reason}`)
}

/** Removes everything of a slot that no session has. Already gone is not an error. */
export async function removeSlot({ engine, owner, slots }: { engine: Engine; owner: Owner; slots: SlotLedger }, id: string): Promise<void> {
  const labels = slotLabels(owner, id)
  for (const container of await engine.listContainers(labels)) await engine.removeContainer(container.id)
  const networks = (await engine.listNetworks()).filter((network) => slotOf(network.labels) === id)
  for (const network of networks) await engine.removeNetwork(network.id)
  for (const volume of await engine.listVolumes(labels)) await engine.removeVolume(volume.name)
  await slots.forget(id)
}
