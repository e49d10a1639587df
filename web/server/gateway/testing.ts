import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import { pino } from 'pino'
import { Breaker } from './choice/breaker.ts'
import { Turnstiles } from './choice/turnstiles.ts'
import { Bodies, type BodyLimits, bodyLimits } from './door/body.ts'
import { Callers } from './door/callers.ts'
import { Gateway, type GatewayParts } from './gateway.ts'
import { BufferedMeter } from './meter/meter.ts'
import type { Candidate, Policy } from './ports/candidate.ts'
import type { Metered } from './ports/meter.ts'
import type { Scope } from './ports/scope.ts'
import { StoredObjects } from './stored/objects.ts'
import type { StoredObject } from './stored/store.ts'
import { Pools, type UpstreamLimits, upstreamLimits } from './upstream/pools.ts'

export interface Heard {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: Buffer
  /** Resolves with the time, `performance.now`, at which the gateway hung up before the answer was whole. */
  hungUp: Promise<number>
}

export type Play = (request: IncomingMessage, response: ServerResponse, heard: Heard) => void

async function listen(answer: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A provider by hand on a real socket: it does what the test says, and keeps what it was asked. */
export class TestProvider implements AsyncDisposable {
  play: Play = (_request, response) => response.end()
  readonly heard: Heard[] = []
  readonly url: string
  private readonly server: Server

  private constructor(server: Server, url: string) {
    this.server = server
    this.url = url
  }

  static async open(): Promise<TestProvider> {
    const at: { provider: TestProvider | null } = { provider: null }
    const { server, url } = await listen((request, response) => at.provider?.hear(request, response))
    at.provider = new TestProvider(server, url)
    return at.provider
  }

  private hear(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    const hungUp = new Promise<number>((resolve) =>
      response.on('close', () => {
        if (!response.writableFinished) resolve(performance.now())
      }),
    )
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const heard = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks), hungUp }
      this.heard.push(heard)
      this.play(request, response, heard)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

export function candidateAt(provider: { url: string }, more: Partial<Candidate> = {}): Candidate {
  return {
    providerId: 'p1',
    provider: 'test',
    kind: 'openai',
    baseUrl: `${provider.url}/v1`,
    key: { id: 'k1', secret: 'provider-key' },
    settings: {},
    model: 'm',
    speaks: ['chat', 'responses'],
    price: null,
    maxOutputTokens: null,
    region: null,
    guarded: false,
    rank: 0,
    weight: 1,
    ...more,
  }
}

export const testPolicy: Policy = { models: null, regions: null, headers: {}, masked: [], keepBodies: false, choose: 'weight' }

export interface TestGateway extends AsyncDisposable {
  url: string
  gateway: Gateway
  calls: Metered[]
  /** Waits until there are so many. */
  metered(count?: number): Promise<Metered[]>
  parts: GatewayParts
  candidates: Candidate[]
  policy: Policy
  ask(path: string, body: unknown, init?: { headers?: Record<string, string>; signal?: AbortSignal }): Promise<Response>
}

/** A call that is streamed, what is answered to it, and to one that is not. */
export const sample = {
  chat: { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] },
  sse: { 'content-type': 'text/event-stream' },
  json: { 'content-type': 'application/json' },
  chunks: [
    'data: {"choices":[{"delta":{"content":"Héllo"}}]}\n\n',
    'data: {"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n',
    'data: [DONE]\n\n',
  ],
  whole: '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}',
}

export const testKey = 'hx_test'
const scope: Scope = { orgId: 'org_test' as OrgId, projectId: null, taskId: null, sessionId: null, userId: null, keyPrefix: 'hx_test' }

function keptInMemory() {
  const kept: StoredObject[] = []
  return {
    insert: async (one: StoredObject) => void kept.push(one),
    find: async (orgId: OrgId, kind: string, id: string) =>
      kept.find((one) => one.orgId === orgId && one.kind === kind && one.id === id) ?? null,
    ids: async (orgId: OrgId) => new Set(kept.filter((one) => one.orgId === orgId).map(({ id }) => id)),
    remove: async (_orgId: OrgId, id: string) => void kept.splice(0, kept.length, ...kept.filter((one) => one.id !== id)),
  }
}

/** A gateway on a port of its own without a database: what it meters is kept in memory. */
export async function openTestGateway(
  candidates: Candidate[],
  more: { parts?: Partial<GatewayParts>; upstream?: Partial<UpstreamLimits>; bodies?: Partial<BodyLimits> } = {},
): Promise<TestGateway> {
  const log = pino({ level: 'silent' })
  const calls: Metered[] = []
  const state = { candidates, policy: testPolicy }
  const callers = new Callers({ ofApiKey: async () => ({ scope, turn: null }), ofSession: async () => 'ended' })
  const parts: GatewayParts = {
    catalogue: { candidates: () => state.candidates, policyOf: () => state.policy, models: async () => [{ id: 'm', provider: 'test' }] },
    holds: { reserve: () => ({ settle: () => undefined, release: () => undefined }) },
    translate: async () => {
      throw new HelixError('no_provider')
    },
    meter: new BufferedMeter(async (some) => void calls.push(...some), log, { everyMs: 5, againMs: 5, batch: 100, full: 100_000 }),
    pools: new Pools({ ...upstreamLimits, ...more.upstream }),
    breaker: new Breaker(),
    turnstiles: new Turnstiles(),
    objects: new StoredObjects(keptInMemory(), log),
    log,
    callers,
    bodies: new Bodies({ ...bodyLimits, ...more.bodies }),
    demo: () => false,
    hearing: { [Symbol.asyncDispose]: async () => undefined },
    ...more.parts,
  }
  const gateway = new Gateway(parts)
  const { server, url } = await listen((request, response) => void (gateway.handle(request, response) || response.writeHead(404).end()))
  return {
    url,
    gateway,
    calls,
    async metered(count = 1) {
      for (let look = 0; calls.length < count && look < 400; look++) await new Promise((resolve) => setTimeout(resolve, 10))
      return calls
    },
    parts,
    get candidates() {
      return state.candidates
    },
    set candidates(given) {
      state.candidates = given
    },
    get policy() {
      return state.policy
    },
    set policy(given) {
      state.policy = given
    },
    ask(path, body, { headers = {}, signal } = {}) {
      const raw = typeof body === 'string' || Buffer.isBuffer(body) || body instanceof FormData ? body : JSON.stringify(body)
      const all = {
        authorization: `Bearer ${testKey}`,
        ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
        ...headers,
      }
      return fetch(`${url}${path}`, { method: 'POST', headers: all, body: raw as string, signal: signal ?? null })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await gateway[Symbol.asyncDispose]()
    },
  }
}
