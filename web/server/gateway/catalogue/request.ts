import { Agent, type Dispatcher, request } from 'undici'
import { guardedConnector } from './guard.ts'
import type { KnownProvider } from './provider.ts'

/** Units: bytes. Lists of models have some hundred kilobytes at most. */
const largestAnswer = 8 * 1024 * 1024

export interface Answer {
  status: number
  text: string
}

/** How a kind is told the key. */
export function keyHeaders({ kind }: Pick<KnownProvider, 'kind'>, secret: string): Record<string, string> {
  if (secret === '') return kind === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {}
  if (kind === 'anthropic') return { 'x-api-key': secret, 'anthropic-version': '2023-06-01' }
  if (kind === 'azure_openai') return { 'api-key': secret }
  if (kind === 'gemini') return { 'x-goog-api-key': secret }
  return { authorization: `Bearer ${secret}` }
}

async function textOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestAnswer) throw new Error('the answer is larger than 8 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Where a path of the API is; Azure's older versions have each deployment under a path of its own. */
export function urlOf({ kind, baseUrl, settings }: KnownProvider, path: string, model: string | null): string {
  const { apiVersion } = settings
  if (kind !== 'azure_openai' || apiVersion === undefined) return `${baseUrl}${path}`
  const deployment = model === null ? '' : `/deployments/${encodeURIComponent(model)}`
  return `${baseUrl.replace(/\/openai(\/v1)?$/, '')}/openai${deployment}${path}?api-version=${encodeURIComponent(apiVersion)}`
}

/** One question to a provider outside of the hot path: over a connection of its own, guarded where the provider is, never redirected. */
export async function askOnce(
  provider: KnownProvider,
  question: { path: string; model: string | null; secret: string; body?: object },
  timeoutMs: number,
): Promise<Answer> {
  const agent = new Agent({
    connect: provider.guarded ? guardedConnector({ timeout: timeoutMs }) : { timeout: timeoutMs },
  })
  try {
    const { statusCode, body } = await request(urlOf(provider, question.path, question.model), {
      method: question.body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...keyHeaders(provider, question.secret) },
      body: question.body === undefined ? null : JSON.stringify(question.body),
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
    })
    return { status: statusCode, text: await textOf(body) }
  } finally {
    void agent.destroy().catch(() => undefined)
  }
}
