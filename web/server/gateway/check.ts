import type { ProviderCheck } from '@helix/contract/onboarding'
import type { Provider } from './providers.ts'

/** Units: milliseconds. A good answer costs a few tokens, so it is believed for a while. */
const goodForMs = 10 * 60_000
const badForMs = 20_000
const leastPauseMs = 3000
const timeoutMs = 10_000

type Verdict = Pick<ProviderCheck, 'ok' | 'problem' | 'fix' | 'detail'>

const variableOf = (provider: Provider, what: 'API_KEY' | 'BASE_URL'): string =>
  `${provider.dialect === 'openai' ? 'OPENAI' : 'ANTHROPIC'}_${what}`

function requestOf(provider: Provider, model: string, limit: 'max_tokens' | 'max_completion_tokens'): [string, RequestInit] {
  const body = JSON.stringify({ model, [limit]: 16, messages: [{ role: 'user', content: 'Answer with the word ok.' }] })
  const openai = provider.dialect === 'openai'
  const key = { authorization: `Bearer ${provider.apiKey}` }
  const headers = {
    'content-type': 'application/json',
    ...(openai ? key : { 'x-api-key': provider.apiKey, 'anthropic-version': '2023-06-01' }),
  }
  const path = openai ? '/chat/completions' : '/messages'
  return [`${provider.baseUrl}${path}`, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) }]
}

/** The provider's words without the key, which some repeat. */
function wordsOf(text: string, provider: Provider): string | null {
  const plain = provider.apiKey === '' ? text : text.replaceAll(provider.apiKey, '…')
  const short = plain.replace(/\s+/g, ' ').trim().slice(0, 300)
  return short === '' ? null : short
}

/** What an answer means and what to do about it. */
export function verdictOf(provider: Provider, model: string, status: number, text: string): Verdict {
  const detail = wordsOf(text, provider)
  const bad = (problem: string, fix: string): Verdict => ({
    ok: false,
    problem,
    fix,
    detail: detail === null ? `HTTP ${status}` : `HTTP ${status}: ${detail}`,
  })
  if (status >= 200 && status < 300) {
    const answers = /"(choices|content)"\s*:/.test(text)
    if (answers) return { ok: true, problem: null, fix: null, detail: null }
    return bad(
      `${provider.name} answers, but not as a model does.`,
      `Look at ${variableOf(provider, 'BASE_URL')}: it may name another kind of server.`,
    )
  }
  if (status === 401 || status === 403)
    return bad(
      `${provider.name} refuses the key.`,
      `Set ${variableOf(provider, 'API_KEY')} to a valid key and start the control plane again.`,
    )
  if (status === 404)
    return bad(
      `${provider.name} does not know the model ${model}, or not this path.`,
      `Set HELIX_MODEL to a model that it has, and look at ${variableOf(provider, 'BASE_URL')}.`,
    )
  if (status === 402 || status === 429)
    return bad(
      `${provider.name} takes no more work now: a limit or the credit is used up.`,
      'Raise the limit or the credit at the provider, or wait.',
    )
  if (status >= 500) return bad(`${provider.name} has a fault of its own.`, 'Try again; its status page may say more.')
  return bad(`${provider.name} did not accept the request.`, 'Set HELIX_MODEL to a model that it serves for chat.')
}

async function ask(provider: Provider, model: string): Promise<Verdict> {
  try {
    let answer = await fetch(...requestOf(provider, model, 'max_tokens'))
    let text = await answer.text()
    if (answer.status === 400 && text.includes('max_completion_tokens')) {
      answer = await fetch(...requestOf(provider, model, 'max_completion_tokens'))
      text = await answer.text()
    }
    return verdictOf(provider, model, answer.status, text)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const late = error instanceof Error && error.name === 'TimeoutError'
    const problem = `${provider.name} ${late ? `did not answer within ${timeoutMs / 1000} s` : 'does not answer'}.`
    const fix = `Look at ${variableOf(provider, 'BASE_URL')} and whether this machine reaches it.`
    return { ok: false, problem, fix, detail: wordsOf(cause instanceof Error ? cause.message : String(cause), provider) }
  }
}

/** Tests providers as agents use them: with the key and the model, for a few tokens. Of many who ask at once, one test serves all. */
export class ProviderChecks {
  private readonly providers: readonly Provider[]
  private readonly modelOf: (provider: Provider) => Promise<string>
  private known: ProviderCheck[] | null = null
  private lookedAt = 0
  private running: Promise<ProviderCheck[]> | null = null

  constructor(providers: readonly Provider[], modelOf: (provider: Provider) => Promise<string>) {
    this.providers = providers
    this.modelOf = modelOf
  }

  /** What was found last; null: nothing yet. */
  last(): ProviderCheck[] | null {
    return this.known
  }

  async look(fresh: boolean): Promise<ProviderCheck[]> {
    if (this.running !== null) return this.running
    const age = Date.now() - this.lookedAt
    const keep = fresh ? leastPauseMs : this.known?.every(({ ok }) => ok) ? goodForMs : badForMs
    if (this.known !== null && age < keep) return this.known
    this.running = Promise.all(this.providers.map((provider) => this.check(provider)))
    try {
      this.known = await this.running
      this.lookedAt = Date.now()
      return this.known
    } finally {
      this.running = null
    }
  }

  private async check(provider: Provider): Promise<ProviderCheck> {
    const start = performance.now()
    const model = await this.modelOf(provider)
    const verdict = await ask(provider, model)
    const { name, dialect } = provider
    return { name, dialect, model, ...verdict, durationMs: Math.round(performance.now() - start), checkedAt: new Date().toISOString() }
  }
}
