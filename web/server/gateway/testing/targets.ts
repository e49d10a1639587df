import type { Candidate, ConversationDialect, ProviderKind } from '../ports/candidate.ts'

export interface Target {
  /** As the conformance table names it. */
  name: string
  kind: ProviderKind
  model: string
  path: string
  speaks: readonly ConversationDialect[]
  settings?: Record<string, string>
}

/** Every kind out, with the models that make a difference. */
export const targets: readonly Target[] = [
  { name: 'OpenAI, Responses', kind: 'openai', model: 'gpt-5.1', path: '/v1', speaks: ['chat', 'responses'] },
  { name: 'OpenAI, Chat Completions', kind: 'openai', model: 'gpt-5.1', path: '/v1', speaks: ['chat'] },
  {
    name: 'Azure OpenAI',
    kind: 'azure_openai',
    model: 'gpt-5.1',
    path: '/openai/v1',
    speaks: ['chat'],
    settings: { apiVersion: 'preview' },
  },
  { name: 'OpenAI-compatible', kind: 'openai_compatible', model: 'qwen3-coder', path: '/v1', speaks: ['chat'] },
  { name: 'Anthropic', kind: 'anthropic', model: 'claude-sonnet-4-5', path: '/v1', speaks: ['messages'] },
  { name: 'Gemini API', kind: 'gemini', model: 'gemini-3-pro', path: '/v1beta', speaks: ['generate'] },
  {
    ...{ name: 'Vertex, Gemini', kind: 'vertex', model: 'gemini-3-pro', path: '/v1', speaks: ['generate'] },
    settings: { project: 'p-1', location: 'europe-west1' },
  },
  {
    ...{ name: 'Vertex, Claude', kind: 'vertex', model: 'claude-sonnet-4-5', path: '/v1', speaks: [] },
    settings: { project: 'p-1', location: 'europe-west1' },
  },
  {
    ...{ name: 'Bedrock', kind: 'bedrock', model: 'anthropic.claude-sonnet-4-5-v1:0', path: '', speaks: [] },
    settings: { region: 'eu-central-1', accessKeyId: 'AKIATEST' },
  },
]

export function candidateOf(target: Target, url: string): Candidate {
  return {
    ...{
      providerId: 'prv_1',
      provider: target.name,
      kind: target.kind,
      baseUrl: `${url}${target.path}`,
      key: { id: 'key_1', secret: 'secret' },
    },
    ...{ settings: target.settings ?? {}, model: target.model, speaks: target.speaks, price: null, maxOutputTokens: null, region: null },
    ...{ guarded: false, rank: 0, weight: 1 },
  }
}

/** Bytes pass untouched where the provider speaks the dialect at a plain address. */
export function passes({ kind, speaks }: Target, dialect: string): boolean {
  return kind !== 'vertex' && kind !== 'bedrock' && (speaks as readonly string[]).includes(dialect)
}
