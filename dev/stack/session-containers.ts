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

/** Resolves when so many machines wait for sessions. Units: milliseconds. */
export async function machinesWait(installation: string, count: number, deadlineMs = 120_000): Promise<void> {
  const filters = JSON.stringify({ label: [`helix.installation=${installation}`, 'helix.slot'], status: ['paused'] })
  for (const end = Date.now() + deadlineMs; ; await sleep(100)) {
    const waiting = (await new Docker().listContainers({ filters })).length
    if (waiting >= count) return
    if (Date.now() > end) throw new Error(`${waiting} of ${count} machines wait for sessions after ${deadlineMs / 1000} s`)
  }
}
