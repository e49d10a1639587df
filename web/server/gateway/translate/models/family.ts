import type { Candidate } from '../../ports/candidate.ts'
import type { Question } from '../question.ts'

/** How a provider is spoken to: the vendors’ interfaces, whoever hosts them. */
export type Family = 'openai_chat' | 'openai_responses' | 'compatible' | 'claude' | 'google' | 'bedrock'

/** Responses has no stop words, seeds and penalties, and thinks on between calls: the one is taken for them, the other for all else. */
function familyOfOpenAi({ speaks }: Candidate, { stop, sampling }: Question): Family {
  const needsChat = stop.length > 0 || sampling.seed !== undefined || sampling.presencePenalty || sampling.frequencyPenalty
  if (!speaks.includes('responses')) return 'openai_chat'
  return needsChat && speaks.includes('chat') ? 'openai_chat' : 'openai_responses'
}

export function familyOf(candidate: Candidate, question: Question): Family {
  const { kind, speaks, model } = candidate
  switch (kind) {
    case 'openai':
    case 'azure_openai':
      return familyOfOpenAi(candidate, question)
    case 'openai_compatible':
      if (speaks.includes('chat') || speaks.length === 0) return 'compatible'
      return speaks.includes('responses') ? 'openai_responses' : speaks.includes('messages') ? 'claude' : 'google'
    case 'anthropic':
      return 'claude'
    case 'gemini':
      return 'google'
    case 'vertex':
      return model.includes('claude') ? 'claude' : 'google'
    case 'bedrock':
      return 'bedrock'
  }
}
