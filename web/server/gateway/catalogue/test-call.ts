import type { Translate } from '../ports/translated.ts'
import { type KnownProvider, speaks } from './provider.ts'
import { type Answer, askOnce } from './request.ts'
import { silenceOf, verdictOf, type Words } from './verdict.ts'

/** Units: milliseconds. */
const timeoutMs = 10_000
const prompt = 'Answer with the word ok.'
const fewTokens = 16

function questionOf(provider: KnownProvider, model: string, limit: 'max_tokens' | 'max_completion_tokens'): { path: string; body: object } {
  const messages = [{ role: 'user', content: prompt }]
  if (provider.kind === 'anthropic') return { path: '/messages', body: { model, max_tokens: fewTokens, messages } }
  if (provider.kind === 'gemini') {
    const body = { contents: [{ role: 'user', parts: [{ text: prompt }] }], generationConfig: { maxOutputTokens: fewTokens } }
    return { path: `/models/${encodeURIComponent(model)}:generateContent`, body }
  }
  return { path: '/chat/completions', body: { model, [limit]: fewTokens, messages } }
}

async function askNatively(provider: KnownProvider, secret: string, model: string): Promise<Answer> {
  const first = await askOnce(provider, { ...questionOf(provider, model, 'max_tokens'), model, secret }, timeoutMs)
  if (first.status !== 400 || !first.text.includes('max_completion_tokens')) return first
  return askOnce(provider, { ...questionOf(provider, model, 'max_completion_tokens'), model, secret }, timeoutMs)
}

/** Clouds sign calls in ways of their own: they are asked by the way that translates. */
async function askTranslated(
  provider: KnownProvider,
  key: { id: string; secret: string },
  model: string,
  translate: Translate,
): Promise<Answer> {
  const { id: providerId, name, kind, baseUrl, settings, region, rank, weight } = provider
  const candidate = {
    ...{ providerId, provider: name, kind, baseUrl, key, settings, model, speaks: speaks(provider), price: null },
    ...{ maxOutputTokens: null, region, guarded: provider.guarded, rank, weight },
  }
  const body = { model, max_tokens: fewTokens, messages: [{ role: 'user', content: prompt }] }
  const answer = await translate({ dialect: 'chat', candidate, body, streamed: false, headers: {}, signal: AbortSignal.timeout(timeoutMs) })
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  return { status: answer.status, text: Buffer.concat(chunks).toString('utf8') }
}

async function askKey(
  provider: KnownProvider,
  key: { id: string; secret: string },
  model: string,
  translate: Translate | null,
): Promise<Words> {
  try {
    const cloud = provider.kind === 'vertex' || provider.kind === 'bedrock'
    const answer =
      cloud && translate !== null ? await askTranslated(provider, key, model, translate) : await askNatively(provider, key.secret, model)
    return verdictOf(provider, model, answer.status, answer.text)
  } catch (error) {
    return silenceOf(provider, error, timeoutMs)
  }
}

/** Asks as agents do, with every key, for a few tokens. The first key that is not well is the one that is told. */
export async function testCall(provider: KnownProvider, model: string, translate: Translate | null): Promise<Words> {
  const keys = provider.keys.length > 0 ? provider.keys : [{ id: '', secret: '' }]
  const all = await Promise.all(keys.map((key) => askKey(provider, key, model, translate)))
  const index = all.findIndex(({ ok }) => !ok)
  const bad = all[index]
  if (bad === undefined) return { ok: true, problem: null, fix: null, detail: null }
  if (keys.length === 1) return bad
  return { ...bad, problem: `Key ${index + 1} of ${keys.length}: ${bad.problem}` }
}
