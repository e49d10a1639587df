import type { ProviderVerdict } from '@helix/contract/providers'
import type { KnownProvider } from './provider.ts'

export type Words = Pick<ProviderVerdict, 'ok' | 'problem' | 'fix' | 'detail'>

/** Where what is wrong can be put right, in words of the place where the provider was configured. */
export interface Places {
  key: string
  address: string
  model: string
}

export function placesOf({ id, scope }: Pick<KnownProvider, 'id' | 'scope'>): Places {
  if (scope !== 'installation') return { key: 'Set a valid key', address: 'Look at the address', model: 'Allow a model' }
  if (id.startsWith('file:'))
    return {
      key: 'Set a valid key in the providers file and start the control plane again',
      address: 'Look at baseUrl in the providers file',
      model: 'Name a model in the providers file',
    }
  const prefix = id.slice('env:'.length).toUpperCase()
  return {
    key: `Set ${prefix}_API_KEY to a valid key and start the control plane again`,
    address: `Look at ${prefix}_BASE_URL`,
    model: 'Set HELIX_MODEL to a model',
  }
}

/** The provider's words without its keys, which some repeat. */
export function wordsWithout(text: string, provider: Pick<KnownProvider, 'keys'>): string | null {
  const plain = provider.keys.reduce((rest, { secret }) => (secret === '' ? rest : rest.replaceAll(secret, '…')), text)
  const short = plain.replace(/\s+/g, ' ').trim().slice(0, 300)
  return short === '' ? null : short
}

const answersAsModel = /"(choices|content|candidates|output)"\s*:/

/** What an answer means and what to do about it. */
export function verdictOf(provider: KnownProvider, model: string, status: number, text: string): Words {
  const { name } = provider
  const places = placesOf(provider)
  const detail = wordsWithout(text, provider)
  const bad = (problem: string, fix: string): Words => ({
    ok: false,
    problem,
    fix,
    detail: detail === null ? `HTTP ${status}` : `HTTP ${status}: ${detail}`,
  })
  if (status >= 200 && status < 300) {
    if (answersAsModel.test(text)) return { ok: true, problem: null, fix: null, detail: null }
    return bad(`${name} answers, but not as a model does.`, `${places.address}: it may name another kind of server.`)
  }
  const badKey = status === 401 || status === 403 || (status === 400 && /api[_ ]key[^"]{0,20}(invalid|not valid|expired)/i.test(text))
  if (badKey) return bad(`${name} refuses the key.`, `${places.key}.`)
  if (status === 404)
    return bad(`${name} does not know the model ${model}, or not this path.`, `${places.model} that it has, and ${lower(places.address)}.`)
  if (status === 402 || status === 429)
    return bad(
      `${name} takes no more work now: a limit or the credit is used up.`,
      'Raise the limit or the credit at the provider, or wait.',
    )
  if (status >= 500) return bad(`${name} has a fault of its own.`, 'Try again; its status page may say more.')
  return bad(`${name} did not accept the request.`, `${places.model} that it serves for chat.`)
}

const lower = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1)

/** Why there was no answer at all. */
export function silenceOf(provider: KnownProvider, error: unknown, timeoutMs: number): Words {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const late = error instanceof Error && error.name === 'TimeoutError'
  const message = cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code ?? cause.name) : String(cause)
  if (/not an address of the public internet/.test(message))
    return { ok: false, problem: message, fix: 'Providers in the own network are set up by who runs the installation.', detail: null }
  return {
    ok: false,
    problem: `${provider.name} ${late ? `did not answer within ${timeoutMs / 1000} s` : 'does not answer'}.`,
    fix: `${placesOf(provider).address} and whether this machine reaches it.`,
    detail: wordsWithout(message, provider),
  }
}
