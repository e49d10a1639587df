import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Call, createClient } from '@helix/contract/client'
import type { OrgId, UserId } from '@helix/contract/ids'
import { createApp } from '../app.ts'
import { Metrics } from '../http/metrics.ts'
import { IdentityStore } from '../identity/store.ts'
import { Previews } from '../previews/proxy.ts'
import { routeUpgrades } from '../sockets/router.ts'
import { upgradesOf } from '../sockets/upgrades.ts'
import { openTestContext, seedOrg, type TestContext, testTokens } from './context.ts'

export interface Person {
  orgId: OrgId
  userId: UserId
  apiKey: string
  call: Call
}

export interface TestServer extends AsyncDisposable {
  context: TestContext
  url: string
  /** With the worker's token, and with the runner's. */
  worker: Call
  runner: Call
  /** An owner of a new organisation, with an API key. */
  addPerson(): Promise<Person>
}

/** The whole Express app over a test context on a free port. */
export async function openTestServer(env: NodeJS.ProcessEnv = {}): Promise<TestServer> {
  const context = await openTestContext(env)
  const app = await createApp(context, new Metrics())
  const previews = new Previews(context)
  const server = createServer(
    (request, response) => void (previews.handle(request, response) || context.gateway.handle(request, response) || app(request, response)),
  )
  routeUpgrades(server, upgradesOf(context), (request) => previews.upgrade(request))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const addPerson = async (): Promise<Person> => {
    const { orgId, userId } = await seedOrg(context)
    const { secret } = await new IdentityStore(context.db).createApiKey(orgId, userId, 'test')
    return { orgId, userId, apiKey: secret, call: createClient({ baseUrl: url, token: secret }) }
  }
  const dispose = async (): Promise<void> => {
    context.streams.abort()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await context[Symbol.asyncDispose]()
  }
  return {
    context,
    url,
    worker: createClient({ baseUrl: url, token: testTokens.worker }),
    runner: createClient({ baseUrl: url, token: testTokens.runner }),
    addPerson,
    [Symbol.asyncDispose]: dispose,
  }
}
