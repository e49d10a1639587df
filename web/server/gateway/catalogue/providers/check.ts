import type { ProviderVerdict } from '@helix/contract/providers'
import type { Translate } from '../../ports/translated.ts'
import { ListRefused, listModelsOf } from '../list-models.ts'
import { standardChoices } from '../prices.ts'
import { type KnownProvider, kindsFor } from '../provider.ts'
import { testCall } from '../test-call.ts'
import { silenceOf, verdictOf, type Words } from '../verdict.ts'

/** Units: milliseconds. */
const listTimeoutMs = 5000

export interface Checked {
  verdict: ProviderVerdict
  /** Null: it did not say. */
  listed: string[] | null
}

const cheapFirst = [...standardChoices.fast, ...standardChoices.smart]

/** The model to ask: the one that agents get, where it may be there; else one that is allowed, cheap and well known before others. */
function modelToAsk(provider: KnownProvider, listed: readonly string[], usual: string | null): string | null {
  const models = provider.allowed ?? listed
  if (usual !== null && (models.length === 0 || models.includes(usual) || kindsFor(usual) === null)) return usual
  return (
    cheapFirst.find((model) => models.includes(model)) ??
    models.find((model) => !/embed|whisper|tts|image|dall-e|rerank/i.test(model)) ??
    models[0] ??
    null
  )
}

const unnamed: Words = {
  ok: false,
  problem: 'Nothing says which models it has, so it was not asked.',
  fix: 'Name the models that it has.',
  detail: null,
}

/** What is known where no model could be asked. */
function withoutModel(provider: KnownProvider, silence: unknown): Words {
  if (silence === null) return unnamed
  if (!(silence instanceof ListRefused)) return silenceOf(provider, silence, listTimeoutMs)
  // Servers without a list are asked for a model as soon as one is named.
  return silence.status === 404 || silence.status === 405 ? unnamed : verdictOf(provider, '', silence.status, silence.text)
}

/** Asks a provider for its models and then, with each of its keys, for a few tokens. */
export async function checkProviderNow(
  provider: KnownProvider,
  translate: Translate | null,
  usual: string | null = null,
): Promise<Checked> {
  const start = performance.now()
  let listed: string[] | null = null
  let silence: unknown = null
  try {
    listed = await listModelsOf(provider)
  } catch (error) {
    // Some servers have no list, and say more to a real call.
    silence = error
  }
  const model = modelToAsk(provider, listed ?? provider.listed, usual)
  const words = model !== null ? await testCall(provider, model, translate) : withoutModel(provider, silence)
  const durationMs = Math.round(performance.now() - start)
  return { verdict: { ...words, model, durationMs, checkedAt: new Date().toISOString() }, listed }
}
