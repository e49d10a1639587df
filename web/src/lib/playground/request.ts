export const dialects = ['chat', 'messages', 'responses'] as const
export type Dialect = (typeof dialects)[number]

export interface Turn {
  role: 'user' | 'assistant'
  text: string
}

export const paths: Record<Dialect, string> = { chat: '/v1/chat/completions', messages: '/v1/messages', responses: '/v1/responses' }

/** What goes to the gateway, as a client of the dialect would send it. */
export function bodyOf(dialect: Dialect, model: string, system: string, turns: readonly Turn[], maxTokens: number): object {
  const messages = turns.map(({ role, text }) => ({ role, content: text }))
  const told = system.trim() === '' ? null : system.trim()
  if (dialect === 'messages') return { model, max_tokens: maxTokens, stream: true, ...(told === null ? {} : { system: told }), messages }
  if (dialect === 'responses')
    return {
      model,
      max_output_tokens: maxTokens,
      stream: true,
      store: false,
      ...(told === null ? {} : { instructions: told }),
      input: messages,
    }
  const first = told === null ? [] : [{ role: 'system', content: told }]
  return { model, max_tokens: maxTokens, stream: true, stream_options: { include_usage: true }, messages: [...first, ...messages] }
}
