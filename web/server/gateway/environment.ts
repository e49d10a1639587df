import { HelixError } from '@helix/contract/errors'
import type { Translate } from './ports/translated.ts'

/** Nobody translates: the provider must speak the dialect. */
export const notTranslated: Translate = async ({ dialect }) => {
  const variable = dialect === 'messages' ? 'ANTHROPIC_API_KEY' : 'OPENAI_API_KEY (and OPENAI_BASE_URL)'
  throw new HelixError('no_provider', `No provider that speaks this dialect (${dialect}) is configured: set ${variable} and start again.`)
}
