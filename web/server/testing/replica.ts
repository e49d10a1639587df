import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from '../app.ts'
import { Metrics } from '../http/metrics.ts'
import { Pictures } from '../pictures/pictures.ts'
import { Previews } from '../previews/proxy.ts'
import { routeUpgrades } from '../sockets/router.ts'
import { upgradesOf } from '../sockets/upgrades.ts'
import { Tunnels } from '../tunnels/tunnels.ts'
import type { TestServer } from './server.ts'

/** A second control plane on the same database. */
export async function openReplica({ context }: TestServer): Promise<AsyncDisposable & { url: string }> {
  const internal = createServer()
  await new Promise<void>((resolve) => internal.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(internal.address() as AddressInfo).port}`
  const config = { ...context.config, internalUrl: url }
  const tunnels = new Tunnels(context.db, config, context.log)
  const pictures = new Pictures(context.db, config, context.log)
  const replica = { ...context, config, tunnels, pictures }
  const previews = new Previews(replica)
  const app = await createApp(replica, new Metrics())
  internal.on('request', (request, response) => void (previews.handle(request, response) || app(request, response)))
  routeUpgrades(internal, upgradesOf(replica), (request) => previews.upgrade(request))
  const dispose = async (): Promise<void> => {
    pictures[Symbol.dispose]()
    await tunnels[Symbol.asyncDispose]()
    internal.closeAllConnections()
    internal.close()
  }
  return { url, [Symbol.asyncDispose]: dispose }
}
