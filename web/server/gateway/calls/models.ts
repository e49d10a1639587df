import { HelixError } from '@helix/contract/errors'
import { sendJson } from '../door/refusal.ts'
import type { Words } from '../door/routes.ts'
import type { Call, Parts } from './call.ts'

interface Model {
  id: string
  provider: string
}

const long: Readonly<Record<Words, (model: Model) => object>> = {
  openai: ({ id, provider }) => ({ id, object: 'model', created: 0, owned_by: provider }),
  anthropic: ({ id, provider }) => ({ type: 'model', id, display_name: `${id} (${provider})`, created_at: '1970-01-01T00:00:00Z' }),
  google: ({ id, provider }) => ({
    name: `models/${id}`,
    displayName: `${id} (${provider})`,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  }),
}

function listOf(words: Words, models: readonly Model[]): object {
  const data = models.map(long[words])
  if (words === 'google') return { models: data }
  if (words === 'openai') return { object: 'list', data }
  return { data, has_more: false, first_id: models[0]?.id ?? null, last_id: models.at(-1)?.id ?? null }
}

/** What the caller may ask for, in the words of its dialect. */
export async function listModels(call: Call, parts: Pick<Parts, 'catalogue'>): Promise<void> {
  const { words, id } = call.route
  const models = await parts.catalogue.models(call.caller.scope)
  if (id === null) return sendJson(call.response, 200, listOf(words, models))
  const found = models.find((model) => model.id === id)
  if (found === undefined) throw new HelixError('not_found', `There is no model "${id.slice(0, 100)}", or it may not be used.`)
  sendJson(call.response, 200, long[words](found))
}
