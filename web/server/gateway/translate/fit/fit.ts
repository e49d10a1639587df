import type { LanguageModelV4CallOptions, LanguageModelV4Prompt, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { Candidate } from '../../ports/candidate.ts'
import type { Family } from '../models/family.ts'
import { compatibleName } from '../models/names.ts'
import type { Question } from '../question.ts'
import { given } from '../read/parse.ts'
import { type Download, fitFiles } from './files.ts'
import { fitIds } from './ids.ts'
import { fitResults } from './results.ts'
import { fitSignatures } from './signatures.ts'
import { fitSystem } from './system.ts'
import { fitThinking } from './thinking.ts'
import { fitTools } from './tools.ts'

/** Units: tokens. Claude wants a limit even where neither client nor catalogue knows one. */
export const leastKnownLimit = 8192

/** Never above what the caller’s budget was reserved for. */
function limitOf({ maxOutputTokens: asked }: Question, { maxOutputTokens: known }: Candidate, family: Family): number | null {
  if (asked !== null) return known === null ? asked : Math.min(asked, known)
  return known ?? (family === 'claude' || family === 'bedrock' ? leastKnownLimit : null)
}

function optionsOf(question: Question, family: Family): SharedV4ProviderOptions {
  const { parallelCalls, tools, verbosity } = question
  const parallel = parallelCalls !== null && tools.length > 0
  switch (family) {
    case 'openai_responses':
      return { openai: { store: false, ...given({ textVerbosity: verbosity }), ...(parallel ? { parallelToolCalls: parallelCalls } : {}) } }
    case 'openai_chat':
      return { openai: { ...given({ textVerbosity: verbosity }), ...(parallel ? { parallelToolCalls: parallelCalls } : {}) } }
    case 'compatible':
      return { [compatibleName]: parallel ? { parallel_tool_calls: parallelCalls } : {} }
    case 'claude':
      return { anthropic: { toolStreaming: false, ...(parallelCalls === false ? { disableParallelToolUse: true } : {}) } }
    default:
      return {}
  }
}

/** The library writes a `topK` that Converse refuses. */
function samplingOf({ sampling }: Question, family: Family): Question['sampling'] {
  if (family !== 'bedrock') return sampling
  const { topK: _, ...rest } = sampling
  return rest
}

function merged(...all: readonly SharedV4ProviderOptions[]): SharedV4ProviderOptions {
  const sum: SharedV4ProviderOptions = {}
  for (const options of all) for (const [name, said] of Object.entries(options)) sum[name] = { ...sum[name], ...said }
  return sum
}

const onlyJson = 'Answer with one JSON object and nothing else: no words around it, no code fence.'

/** Claude answers in JSON by a schema only; without one it is asked to. */
function withJsonWish(prompt: LanguageModelV4Prompt, { format }: Question, family: Family): LanguageModelV4Prompt {
  const wish = format?.type === 'json' && format.schema === undefined && (family === 'claude' || family === 'bedrock')
  return wish ? [{ role: 'system', content: onlyJson }, ...prompt] : prompt
}

/** What the library is asked with, for one family. */
export async function fitQuestion(
  question: Question,
  candidate: Candidate,
  family: Family,
  download: Download,
  signal: AbortSignal,
): Promise<LanguageModelV4CallOptions> {
  const { model, kind } = candidate
  const thinking = fitThinking(question, family, model, kind === 'azure_openai', limitOf(question, candidate, family))
  const spoken = fitSystem(withJsonWish(question.prompt, question, family), family)
  const arranged = fitIds(fitSignatures(fitResults(spoken, family, model), family, model))
  const tools = fitTools(question, family)
  return {
    prompt: await fitFiles(arranged, family, candidate, download, signal),
    ...samplingOf(question, family),
    ...given({
      maxOutputTokens: thinking.maxOutputTokens,
      responseFormat: question.format,
      reasoning: thinking.reasoning,
      toolChoice: tools.length > 0 ? question.toolChoice : null,
      tools: tools.length > 0 ? tools : null,
      stopSequences: question.stop.length > 0 ? [...question.stop] : null,
    }),
    providerOptions: merged(optionsOf(question, family), thinking.providerOptions),
    abortSignal: signal,
  }
}
