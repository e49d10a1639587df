import { HelixError } from '@helix/contract/errors'
import { demoModel } from '@helix/contract/gateway'
import type { Candidate, Catalogue, Policy } from './ports/candidate.ts'
import type { Translate } from './ports/translated.ts'
import type { Provider, Providers } from './providers.ts'

const open: Policy = { models: null, regions: null, headers: {}, masked: [], keepBodies: false, choose: 'weight' }

function candidateOf({ name, dialect, baseUrl, apiKey }: Provider, model: string): Candidate {
  const openai = dialect === 'openai'
  return {
    providerId: `env-${dialect}`,
    provider: name,
    kind: openai ? (name === 'api.openai.com' ? 'openai' : 'openai_compatible') : 'anthropic',
    baseUrl,
    key: { id: 'env', secret: apiKey },
    settings: {},
    model,
    speaks: openai ? ['chat', 'responses'] : ['messages'],
    price: null,
    maxOutputTokens: null,
    region: null,
    guarded: false,
    rank: 0,
    weight: 1,
  }
}

/** The providers of the environment, each for every model, without prices. */
export function environmentCatalogue(providers: Providers): Catalogue {
  const all = (['openai', 'anthropic'] as const).map((dialect) => providers.find(dialect)).filter((one) => one !== null)
  return {
    candidates: (_scope, model) => all.map((provider) => candidateOf(provider, model)),
    policyOf: () => open,
    async models() {
      if (providers.demo) return [{ id: demoModel, provider: 'helix demo (a script, not a model)' }]
      const list = providers.list().map(async ({ name, dialect }) => ({ id: await providers.defaultModel(dialect), provider: name }))
      return Promise.all(list)
    },
  }
}

/** Nobody translates: the provider must speak the dialect. */
export const notTranslated: Translate = async ({ dialect }) => {
  const variable = dialect === 'messages' ? 'ANTHROPIC_API_KEY' : 'OPENAI_API_KEY (and OPENAI_BASE_URL)'
  throw new HelixError('no_provider', `No provider that speaks this dialect (${dialect}) is configured: set ${variable} and start again.`)
}
