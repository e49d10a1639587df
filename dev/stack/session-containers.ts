import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'

export interface SessionContainer {
  id: string
  sessionId: string
  epoch: number
  hostId: string
}

/** Containers of sessions that run in an installation. By name: a machine that waited for its session has the labels of none. */
export async function sessionContainers(installation: string): Promise<SessionContainer[]> {
  const filters = JSON.stringify({ label: [`helix.installation=${installation}`], status: ['running'] })
  const containers = await new Docker().listContainers({ filters })
  return containers.flatMap(({ Id: id, Names, Labels }) => {
    const [, sessionId, epoch] = /-(ses_[0-9a-z]+)-(\d+)$/.exec(Names[0] ?? '') ?? []
    return sessionId === undefined ? [] : [{ id, sessionId, epoch: Number(epoch), hostId: Labels['helix.host'] ?? '' }]
  })
}

/** Containers of machines that wait for sessions. */
export async function waitingMachines(installation: string): Promise<string[]> {
  const filters = JSON.stringify({ label: [`helix.installation=${installation}`, 'helix.slot'], status: ['paused'] })
  return (await new Docker().listContainers({ filters })).map(({ Id }) => Id)
}

/** Resolves when so many machines wait for sessions. Units: milliseconds. */
export async function machinesWait(installation: string, count: number, deadlineMs = 120_000): Promise<void> {
  for (const end = Date.now() + deadlineMs; ; await sleep(100)) {
    const { length } = await waitingMachines(installation)
    if (length >= count) return
    if (Date.now() > end) throw new Error(`${length} of ${count} machines wait for sessions after ${deadlineMs / 1000} s`)
  }
}
