import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { refuse } from './parse.ts'

/** A call, and whether its answer came. */
interface Open {
  answered: boolean
}

function checkResults(message: Extract<LanguageModelV4Prompt[number], { role: 'tool' }>, calls: Map<string, Open>, field: string): void {
  for (const part of message.content) {
    if (part.type !== 'tool-result') continue
    const call = calls.get(part.toolCallId)
    if (call === undefined) refuse(field, `the tool result "${part.toolCallId}" answers no tool call that stands before it`)
    if (call.answered) refuse(field, `the tool call "${part.toolCallId}" is answered twice`)
    call.answered = true
  }
}

function checkAnswered(calls: Map<string, Open>, field: string): void {
  const missing = [...calls].find(([, { answered }]) => !answered)
  if (missing !== undefined) refuse(field, `the tool call "${missing[0]}" has no result: add it before what follows`)
}

/** Providers refuse calls and results that do not pair, each in its own words: said here once, for all. */
export function checkPairs(prompt: LanguageModelV4Prompt, field: string): void {
  const calls = new Map<string, Open>()
  for (const message of prompt) {
    if (message.role === 'tool') {
      checkResults(message, calls, field)
      continue
    }
    checkAnswered(calls, field)
    if (message.role !== 'assistant') continue
    for (const part of message.content) {
      if (part.type !== 'tool-call') continue
      if (calls.has(part.toolCallId)) refuse(field, `the tool call id "${part.toolCallId}" is used twice`)
      calls.set(part.toolCallId, { answered: false })
    }
  }
  checkAnswered(calls, field)
}
