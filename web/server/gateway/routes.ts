import { HelixError } from '@helix/contract/errors'
import { demoModel } from '@helix/contract/gateway'
import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import type { Context } from '../context.ts'
import { asHelixError } from '../http/errors.ts'
import type { Bearer } from '../identity/tokens.ts'
import { resolveCaller } from './caller.ts'
import { answerAsDemo } from './demo/answer.ts'
import { dialectOfPath, sendError } from './dialect.ts'
import type { Provider, ProviderDialect } from './providers.ts'
import { type Forwarded, forward } from './upstream.ts'
import { recordUsage } from './usage.ts'

const raw = express.raw({ type: () => true, limit: '32mb' })

interface RequestBody {
  model?: unknown
  stream?: unknown
  stream_options?: object
}

function parseBody(request: Request): RequestBody {
  try {
    const body: unknown = JSON.parse(Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '')
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new HelixError('invalid_request', 'The body is not a JSON object.')
}

/** Usage comes with a stream of chat completions only when it is asked for. */
function withUsage(path: string, body: RequestBody, original: Buffer): Buffer {
  if (path !== '/chat/completions' || body.stream !== true || body.stream_options !== undefined) return original
  return Buffer.from(JSON.stringify({ ...body, stream_options: { include_usage: true } }))
}

function providerFor(context: Context, dialect: ProviderDialect): Provider {
  const provider = context.providers.find(dialect)
  if (provider !== null) return provider
  const variable = dialect === 'openai' ? 'OPENAI_API_KEY (and OPENAI_BASE_URL)' : 'ANTHROPIC_API_KEY'
  throw new HelixError('no_provider', `No provider that speaks the ${dialect} dialect is configured: set ${variable} and start again.`)
}

async function record(
  context: Context,
  caller: Bearer,
  request: Request,
  model: string,
  provider: string,
  result: Forwarded,
  start: number,
): Promise<void> {
  await recordUsage(context.db, {
    orgId: caller.orgId,
    sessionId: caller.kind === 'session' ? caller.sessionId : null,
    taskId: caller.kind === 'session' ? caller.taskId : null,
    userId: caller.kind === 'api_key' ? caller.userId : null,
    provider,
    model,
    dialect: dialectOfPath(request.path),
    usage: result.usage,
    status: result.status,
    durationMs: performance.now() - start,
  })
}

async function infer(context: Context, caller: Bearer, request: Request, response: Response): Promise<void> {
  const start = performance.now()
  const dialect = dialectOfPath(request.path)
  const body = parseBody(request)
  const model = typeof body.model === 'string' ? body.model : ''
  const left = new AbortController()
  response.on('close', () => left.abort())
  let provider = 'demo'
  try {
    if (context.providers.demo) {
      await record(context, caller, request, demoModel, provider, await answerAsDemo(dialect, request.path, body, response), start)
      return
    }
    const chosen = providerFor(context, dialect)
    provider = chosen.name
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
    const call = {
      provider: chosen,
      path: `${request.path}${query}`,
      method: 'POST' as const,
      headers: request.headers,
      body: withUsage(request.path, body, request.body),
      signal: left.signal,
    }
    await record(context, caller, request, model, provider, await forward(call, response), start)
  } catch (error) {
    const status = left.signal.aborted ? 499 : asHelixError(error).status
    await record(context, caller, request, model, provider, { status, usage: { inputTokens: null, outputTokens: null } }, start)
    if (!left.signal.aborted) throw error
  }
}

async function listModels(context: Context, response: Response): Promise<void> {
  if (context.providers.demo) {
    response.json({
      object: 'list',
      data: [{ id: demoModel, object: 'model', created: 0, owned_by: 'helix demo (a script, not a model)' }],
    })
    return
  }
  const models = await Promise.all(
    context.providers.list().map(async ({ name, dialect }) => ({
      id: await context.providers.defaultModel(dialect),
      object: 'model',
      created: 0,
      owned_by: name,
    })),
  )
  response.json({ object: 'list', data: models })
}

/** `/v1`: inference for agents, streamed. Errors are in the shape of the dialect that asked. */
export function createGateway(context: Context): RequestHandler {
  const router = Router()
  const guarded =
    (work: (caller: Bearer, request: Request, response: Response) => Promise<void>): RequestHandler =>
    async (request, response) => {
      try {
        await work(await resolveCaller(context, request), request, response)
      } catch (error) {
        const known = asHelixError(error)
        if (known.status >= 500) context.log.warn({ err: error, requestId: request.id, path: request.path }, 'inference failed')
        sendError(dialectOfPath(request.path), response, known, request.id)
      }
    }
  router.get(
    '/models',
    guarded((_caller, _request, response) => listModels(context, response)),
  )
  router.post(
    ['/chat/completions', '/messages', '/messages/count_tokens'],
    raw,
    guarded((caller, request, response) => infer(context, caller, request, response)),
  )
  router.use((request, response) =>
    sendError(dialectOfPath(request.path), response, new HelixError('not_found', 'The gateway does not have this path.'), request.id),
  )
  return router
}
