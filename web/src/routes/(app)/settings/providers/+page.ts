import { getModelRules, listModelAliases } from '@helix/contract/models'
import { listProviders } from '@helix/contract/providers'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const [providers, aliases, rules] = await Promise.all([
    ask(event, listProviders, {}),
    ask(event, listModelAliases, {}),
    ask(event, getModelRules, {}),
  ])
  return { providers: providers.items, aliases: aliases.items, rules }
}
