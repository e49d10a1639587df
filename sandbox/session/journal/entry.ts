import type { TurnResult } from '@helix/contract/link'
import { journalEntry } from '@helix/contract/sessions'
import { z } from 'zod'

/** A line of the journal's file: an entry, and for the end of a turn what the link says beyond it. */
export const journalLine = journalEntry.extend({ retryable: z.boolean().optional() })
export type JournalLine = z.infer<typeof journalLine>

/** What became of a prompt, as the journal tells it. */
export interface SeenPrompt {
  /** Null for a prompt that was cancelled before it reached the agent. */
  prompt: { sequence: number; text: string } | null
  /** The agent said or did something after it. */
  answered: boolean
  end: { sequence: number; result: TurnResult } | null
}

const outcomes = ['end_turn', 'cancelled', 'refusal', 'max_tokens', 'max_turn_requests', 'error'] as const

/** The result that a journalled end of a turn stands for; undefined for other lines. */
export function resultOf({ payload, retryable }: JournalLine): TurnResult | undefined {
  if (payload.kind !== 'turn_end') return undefined
  const outcome = outcomes.find((known) => known === payload.outcome) ?? 'error'
  return { promptId: payload.promptId, outcome, message: payload.message, retryable: retryable ?? false }
}

const counted = z.looseObject({ sequence: z.number().int().min(1), at: z.iso.datetime() })

/** Undefined for what is no line of a journal at all; an entry of a kind this version does not know keeps its number. */
export function parseLine(text: string): JournalLine | undefined {
  const json = parseJson(text)
  const line = journalLine.safeParse(json)
  if (line.success) return line.data
  const known = counted.safeParse(json)
  if (!known.success) return undefined
  return { sequence: known.data.sequence, at: known.data.at, payload: { kind: 'notice', text: 'An entry of a newer version of Helix.' } }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
