import type { KnownProvider } from './provider.ts'
import { askOnce } from './request.ts'

/** Units: milliseconds. */
const timeoutMs = 5000
const mostModels = 2000

interface AnyList {
  data?: { id?: unknown }[]
  models?: { name?: unknown; supportedGenerationMethods?: unknown }[]
}

/** What a kind answers to the question for its models; null: it has no such question. */
const pathOf = ({ kind }: KnownProvider): string | null => {
  if (kind === 'gemini') return '/models?pageSize=1000'
  if (kind === 'anthropic') return '/models?limit=1000'
  return kind === 'vertex' || kind === 'bedrock' ? null : '/models'
}

export function namesOf(list: AnyList): string[] {
  const names = [
    ...(Array.isArray(list.data) ? list.data.map((one) => one?.id) : []),
    ...(Array.isArray(list.models)
      ? list.models.map((one) => (typeof one?.name === 'string' ? one.name.replace(/^models\//, '') : null))
      : []),
  ]
  return [...new Set(names.filter((name): name is string => typeof name === 'string' && name !== '' && name.length <= 200))].slice(
    0,
    mostModels,
  )
}

/** It answered the question for its models, with something else. */
export class ListRefused extends Error {
  override readonly name = 'ListRefused'
  readonly status: number
  readonly text: string

  constructor(provider: string, status: number, text: string) {
    super(`${provider} answered ${status} to the question for its models`)
    this.status = status
    this.text = text
  }
}

/** The models that a provider lists; empty where its kind has no list. Throws a sentence where it does not answer with one. */
export async function listModelsOf(provider: KnownProvider): Promise<string[]> {
  const path = pathOf(provider)
  if (path === null) return []
  const { status, text } = await askOnce(provider, { path, model: null, secret: provider.keys[0]?.secret ?? '' }, timeoutMs)
  if (status !== 200) throw new ListRefused(provider.name, status, text)
  try {
    return namesOf(JSON.parse(text) as AnyList)
  } catch (cause) {
    throw new Error(`${provider.name} answered the question for its models with something that is not a list`, { cause })
  }
}
