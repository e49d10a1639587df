import type { ConversationDialect } from '@helix/web/server/gateway/ports/candidate.ts'

export type Verdict = 'whole' | 'ended with an error' | 'refused' | 'broken'

interface Event {
  name: string | null
  data: string
}

/** As clients read server-sent events: a block without an empty line behind it does not count. */
function eventsOf(text: string): Event[] {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n').slice(0, -1)
  return blocks.flatMap((block) => {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith(':'))
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart())
    const name =
      lines
        .findLast((line) => line.startsWith('event:'))
        ?.slice(6)
        .trim() ?? null
    return data.length === 0 ? [] : [{ name, data: data.join('\n') }]
  })
}

const isError: Readonly<Record<ConversationDialect, (event: Event) => boolean>> = {
  chat: ({ data }) => typeof JSON.parse(data).error?.message === 'string',
  responses: ({ name, data }) => name === 'error' && JSON.parse(data).type === 'error',
  messages: ({ name, data }) => name === 'error' && JSON.parse(data).type === 'error' && typeof JSON.parse(data).error.message === 'string',
  generate: ({ data }) => JSON.parse(data).error?.code === 502,
}

/** What a client made of an answer. `broken`: it ended as if it were whole, or with what nobody can read. */
export function verdictOf(dialect: ConversationDialect, status: number, text: string, recorded: string): Verdict {
  try {
    if (status === 502) return JSON.stringify(JSON.parse(text)).includes('provider_failed') ? 'refused' : 'broken'
    if (status !== 200) return 'broken'
    const [whole, seen] = [eventsOf(recorded), eventsOf(text)]
    if (JSON.stringify(seen) === JSON.stringify(whole)) return 'whole'
    const last = seen.at(-1)
    if (last === undefined || last.data === '[DONE]' || !isError[dialect](last)) return 'broken'
    const before = seen.slice(0, dialect === 'responses' ? -2 : -1)
    return JSON.stringify(before) === JSON.stringify(whole.slice(0, before.length)) ? 'ended with an error' : 'broken'
  } catch (error) {
    if (error instanceof SyntaxError) return 'broken'
    throw error
  }
}
