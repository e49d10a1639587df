import type { Item } from '#lib/conversation/fold.ts'

/** What a running turn shows of the answer to a question. */
export interface Answering {
  /** `waiting`: others are before it. `ended`: the reply is being stored. */
  state: 'waiting' | 'running' | 'ended'
  /** The agent's last message so far. */
  text: string
  /** What it does meanwhile. */
  activity: string | null
}

/** Finds the answer to a prompt in what a journal shows: the last thing the agent said in its turn. */
export function answeringOf(items: readonly Item[], promptId: string): Answering {
  const from = items.findIndex((item) => item.kind === 'prompt' && item.promptId === promptId)
  if (from === -1) return { state: 'waiting', text: '', activity: null }
  const after = items.slice(from + 1)
  const end = after.findIndex((item) => item.kind === 'prompt' || item.key === `end ${promptId}`)
  const turn = end === -1 ? after : after.slice(0, end)
  const said = turn.findLast((item) => item.kind === 'agent')
  const last = turn.at(-1)
  return {
    state: end === -1 ? 'running' : 'ended',
    text: said?.kind === 'agent' ? said.text : '',
    activity: last?.kind === 'tool' ? last.title : null,
  }
}
