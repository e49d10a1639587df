import { plainScript, type Script, type Seen } from './script.ts'
import type { Target } from './targets.ts'
import type { Got, Round, Wanted } from './wanted.ts'

/** `left`: left out without a word; `none`: the dialect has no word for it, or the provider nothing to say. */
export type Mark = 'carried' | 'approximated' | 'refused' | 'left' | 'none'

export interface Facts {
  got: Got
  /** What the provider understood. */
  seen: Seen
  client: string
  target: Target
}

/** One thing that may be lost between two dialects, and how it is found out. */
export interface Aspect {
  name: string
  /** Those that have a word for it. */
  dialects: readonly string[]
  wanted: Wanted
  script?: Script
  /** A turn before. */
  before?: { script: Script; results(calls: Got['calls']): Round['results'] }
  streamed?: boolean
  /** Models that think take no sampling. */
  sampling?: boolean
  judge(facts: Facts): Mark
  judgeError?(status: number, message: string): Mark
}

const all = ['chat', 'responses', 'messages', 'generate']
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const pdf = Buffer.from('%PDF-1.4 a page').toString('base64')
const tools = [{ name: 'look', description: 'Looks', schema: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] } }]
const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
const calling: Script = { ...plainScript, text: null, stop: 'calls', calls: [{ id: 'call_1', name: 'look', input: { at: 'x' } }] }
const thinking: Script = { ...plainScript, thought: 'I wonder.', usage: { ...plainScript.usage, reasoning: 10 } }

const when = (carried: boolean, otherwise: Mark = 'left'): Mark => (carried ? 'carried' : otherwise)
const asked: Wanted = { text: 'Say.', maxTokens: 6000 }
const answered = (more: object) => (calls: Got['calls']) => calls.map(({ id, name }) => ({ id, name, text: 'seen', ...more }))

/** Which thinking asked for by one word, or by a number, arrived as what. */
function judgeThinking({ seen, client }: Facts): Mark {
  if (seen.thinking === null) return 'left'
  const byNumber = client === 'messages' || client === 'generate'
  if (byNumber) return when(seen.thinking === '1024 tokens', 'approximated')
  return when(seen.thinking === 'low', 'approximated')
}

export const aspects: readonly Aspect[] = [
  { name: 'system', dialects: all, wanted: { ...asked, system: 'Be kind.' }, judge: ({ seen }) => when(seen.system.includes('Be kind.')) },
  {
    name: 'words, streamed',
    dialects: all,
    wanted: asked,
    streamed: true,
    judge: ({ got }) => when(got.text === plainScript.text && got.pieces > 2),
  },
  {
    name: 'images as data',
    dialects: all,
    wanted: { ...asked, image: { url: `data:image/png;base64,${png}` } },
    judge: ({ seen }) => when(seen.images.includes('data')),
  },
  {
    ...{ name: 'images by URL', dialects: all, wanted: { ...asked, image: { url: 'https://pictures.example.com/a.png' } } },
    judge: ({ seen }) => (seen.images.includes('url') ? 'carried' : when(false, seen.images.includes('data') ? 'approximated' : 'left')),
  },
  {
    name: 'documents (PDF)',
    dialects: all,
    wanted: { ...asked, document: { base64: pdf, name: 'page' } },
    judge: ({ seen }) => when(seen.documents.includes('data')),
  },
  {
    ...{ name: 'tools, calls and results', dialects: all, wanted: { ...asked, tools }, before: { script: calling, results: answered({}) } },
    judge: ({ seen }) => when(seen.tools.includes('look') && seen.calls.length === 1 && seen.results[0]?.text === 'seen'),
  },
  {
    ...{ name: 'a tool that must be called', dialects: all, wanted: { ...asked, tools, choice: 'look' } },
    judge: ({ seen }) => when(seen.choice === 'look', seen.choice === 'any' ? 'approximated' : 'left'),
  },
  {
    ...{ name: 'no tool may be called', dialects: all, wanted: { ...asked, tools, choice: 'none' } },
    judge: ({ seen }) => when(seen.choice === 'none', seen.tools.length === 0 ? 'approximated' : 'left'),
  },
  {
    name: 'one call at a time',
    dialects: ['chat', 'responses', 'messages'],
    wanted: { ...asked, tools, parallel: false },
    judge: ({ seen }) => when(seen.parallel === false),
  },
  {
    ...{ name: 'a result that is an error', dialects: ['messages', 'generate'], wanted: { ...asked, tools } },
    before: { script: calling, results: answered({ error: true }) },
    judge: ({ seen }) => when(seen.results[0]?.error === true, seen.results[0]?.text.startsWith('Error:') ? 'approximated' : 'left'),
  },
  {
    ...{
      name: 'images in results',
      dialects: all,
      wanted: { ...asked, tools },
      before: { script: calling, results: answered({ imageBase64: png }) },
    },
    judge: ({ seen }) => when((seen.results[0]?.images ?? 0) > 0, seen.images.includes('data') ? 'approximated' : 'left'),
  },
  {
    name: 'stop words',
    dialects: ['chat', 'messages', 'generate'],
    wanted: { ...asked, stop: ['END'] },
    judge: ({ seen }) => when(seen.stop.includes('END')),
  },
  {
    name: 'temperature',
    dialects: all,
    sampling: true,
    wanted: { ...asked, temperature: 0.5 },
    judge: ({ seen }) => when(seen.temperature === 0.5),
  },
  { name: 'top_p', dialects: all, sampling: true, wanted: { ...asked, topP: 0.5 }, judge: ({ seen }) => when(seen.topP === 0.5) },
  {
    name: 'seed',
    dialects: ['chat', 'generate'],
    sampling: true,
    wanted: { ...asked, seed: 7 },
    judge: ({ seen }) => when(seen.seed === 7),
  },
  { name: 'most tokens', dialects: all, wanted: asked, judge: ({ seen }) => when(seen.maxTokens === 6000) },
  {
    ...{ name: 'JSON by a schema', dialects: all, wanted: { ...asked, schema }, script: { ...plainScript, text: '{"a":"b"}' } },
    judge: ({ seen }) => when(seen.format === 'schema', seen.format === 'json' ? 'approximated' : 'left'),
  },
  { name: 'how much to think', dialects: all, wanted: { ...asked, effort: 'low' }, judge: judgeThinking },
  {
    ...{ name: 'what was thought, to read', dialects: all, wanted: { ...asked, effort: 'low' }, script: thinking },
    judge: ({ got, client, target }) => {
      if (target.name.includes('Chat') || target.kind === 'azure_openai') return 'none'
      return got.thought === '' ? 'left' : client === 'chat' ? 'approximated' : 'carried'
    },
  },
  {
    ...{
      name: 'signed thoughts, handed back',
      dialects: all,
      wanted: { ...asked, effort: 'low', tools },
      before: { script: { ...thinking, ...calling, thought: 'I wonder.' }, results: answered({}) },
    },
    judge: ({ seen, target }) => {
      if (target.name.includes('Chat') || target.kind === 'azure_openai' || target.kind === 'openai_compatible') return 'none'
      const given = seen.signatures.filter((signature) => signature !== 'skip_thought_signature_validator')
      return when(given.length > 0)
    },
  },
  {
    name: 'hints for the cache',
    dialects: ['chat', 'messages'],
    wanted: { ...asked, system: 'Long.', cache: true },
    judge: ({ seen }) => when(seen.cacheHints > 0),
  },
  {
    ...{ name: 'usage, with what was cached', dialects: all, wanted: asked },
    judge: ({ got }) => when(got.usage.input === 120 && got.usage.cached === 40 && got.usage.output === 30),
  },
  {
    ...{ name: 'usage of thinking', dialects: ['chat', 'responses', 'generate'], wanted: { ...asked, effort: 'low' }, script: thinking },
    judge: ({ got, target }) =>
      target.name.includes('Claude') || target.kind === 'anthropic' || target.kind === 'bedrock'
        ? 'none'
        : when(got.usage.reasoning === 10),
  },
  {
    name: 'why it ended',
    dialects: all,
    wanted: asked,
    script: { ...plainScript, stop: 'length' },
    judge: ({ got }) => when(got.reason === 'length'),
  },
  {
    ...{
      name: 'refusals: status and words',
      dialects: all,
      wanted: asked,
      script: { ...plainScript, failure: { status: 429, message: 'Too fast.' } },
    },
    judge: () => 'left',
    judgeError: (status, message) => when(status === 429 && message.includes('Too fast.'), 'approximated'),
  },
]
