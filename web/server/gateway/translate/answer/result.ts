import type { LanguageModelV4Content, LanguageModelV4GenerateResult } from '@ai-sdk/provider'
import type { Answer, Block } from './answer.ts'
import { Checks, signatureOf, stopSequenceOf } from './checks.ts'
import { countsOf } from './counts.ts'

function blockOf(part: LanguageModelV4Content, checks: Checks): Block | null {
  const metadata = 'providerMetadata' in part && part.providerMetadata ? { metadata: part.providerMetadata } : {}
  switch (part.type) {
    case 'text':
      return part.text === '' ? null : { type: 'text', text: part.text }
    case 'reasoning':
      return part.text === '' && !part.providerMetadata ? null : { type: 'thought', text: part.text, ...metadata }
    case 'tool-call': {
      if (part.providerExecuted) return null
      checks.start(part.toolCallId)
      return { type: 'call', id: part.toolCallId, name: part.toolName, input: checks.input(part), ...signatureOf(part.providerMetadata) }
    }
    default:
      // Sources and files of tools that the provider runs: nobody asked for them here.
      return null
  }
}

/** A whole answer, checked. Throws `provider_failed` for nonsense. */
export function answerOf(result: LanguageModelV4GenerateResult, provider: string, sentCharacters: number): Answer {
  const checks = new Checks(provider)
  const blocks = result.content.map((part) => blockOf(part, checks)).filter((block) => block !== null)
  const calls = blocks.filter(({ type }) => type === 'call').length
  const got = blocks.reduce((sum, block) => sum + (block.type === 'call' ? block.input.length : block.text.length), 0)
  return {
    blocks,
    end: {
      reason: checks.reason(result.finishReason, calls),
      stopSequence: stopSequenceOf(result.providerMetadata),
      counts: countsOf(result.usage, sentCharacters, got),
    },
  }
}
