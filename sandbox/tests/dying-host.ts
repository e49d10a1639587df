import type { SessionId } from '@helix/contract/ids'
import { startSession } from '../src/sessions/start.ts'
import { type Point, points } from './hand-over-points.ts'
import { bootHost, fakePack, type HostParts, until } from './world.ts'

/** What this process is told by its first argument. Run by hand-over.test.ts: a host process that dies by SIGKILL at a point of a warm hand-over. */
export interface Dying {
  parts: Omit<HostParts, 'packs'> & { prefix: string }
  sessionId: SessionId
  point: Point
}

const { parts, sessionId, point }: Dying = JSON.parse(process.argv[2] ?? '')
const host = await bootHost({ ...parts, packs: { source: fakePack, prefix: parts.prefix } })
await until(() => host.homecoming.settled)
await host.packs.ensure('goose_code')
// As if the last start were long ago.
await host.warm.look(Date.now() + 30_000)
if (host.warm.size !== 1) throw new Error('no machine waits')
points[point](host)
await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
process.stderr.write('the session began without coming to that point\n')
process.exit(1)
