import type { JournalEntry, JournalPayload } from '@helix/contract/sessions'

type Of<K extends JournalPayload['kind']> = Extract<JournalPayload, { kind: K }>
export type ToolStatus = NonNullable<Of<'tool'>['status']>
export type ToolContent = NonNullable<Of<'tool'>['content']>[number]

interface Piece {
  /** Stays the same while the piece grows. */
  key: string
  at: string
}

/** What the conversation shows, one after the other. */
export type Item =
  | (Piece & { kind: 'prompt'; promptId: string; origin: 'workflow' | 'person'; author: string | null; text: string })
  | (Piece & { kind: 'agent'; text: string })
  | (Piece & { kind: 'thought'; text: string })
  | (Piece & { kind: 'tool'; title: string; toolKind: string; status: ToolStatus; content: ToolContent[] })
  | (Piece & { kind: 'plan'; entries: Of<'plan'>['entries'] })
  | (Piece & { kind: 'turn_end'; outcome: string; message: string | null; durationMs: number | null })
  | (Piece & { kind: 'notice'; text: string })

/** The folded journal: items are replaced, never changed in place, so that what did not change is not drawn again. */
export interface Conversation {
  items: readonly Item[]
  /** The highest sequence number folded in. */
  upTo: number
  /** The turn that is under way, if one is. */
  turn: { promptId: string; startedAt: string } | null
}

export const emptyConversation: Conversation = { items: [], upTo: 0, turn: null }

class Folding {
  readonly items: Item[]
  turn: Conversation['turn']
  private readonly places = new Map<string, number>()

  constructor(from: Conversation) {
    this.items = [...from.items]
    this.turn = from.turn
    for (const [index, item] of this.items.entries()) this.places.set(item.key, index)
  }

  private put(item: Item): void {
    const place = this.places.get(item.key)
    if (place !== undefined) {
      this.items[place] = item
      return
    }
    this.places.set(item.key, this.items.length)
    this.items.push(item)
  }

  private known(key: string): Item | undefined {
    const place = this.places.get(key)
    return place === undefined ? undefined : this.items[place]
  }

  take({ sequence, at, payload }: JournalEntry): void {
    if (payload.kind === 'chunk') this.chunk(payload, at)
    else if (payload.kind === 'tool') this.tool(payload, at)
    else if (payload.kind === 'turn_end') this.endTurn(payload, at)
    // An agent sends its whole plan again at each step: one plan a turn is shown, as it stands.
    else if (payload.kind === 'plan') this.put({ kind: 'plan', key: `plan ${this.turn?.promptId ?? ''}`, at, entries: payload.entries })
    else if (payload.kind === 'notice') this.put({ kind: 'notice', key: `notice ${sequence}`, at, text: payload.text })
    else this.beginTurn(payload, at)
  }

  private beginTurn(payload: Of<'prompt'>, at: string): void {
    this.turn = { promptId: payload.promptId, startedAt: at }
    this.put({ ...payload, key: `prompt ${payload.promptId}`, at })
  }

  private chunk(payload: Of<'chunk'>, at: string): void {
    const key = `${payload.role} ${payload.messageId}`
    const before = this.known(key)
    const text = before !== undefined && 'text' in before ? before.text + payload.text : payload.text
    this.put({ kind: payload.role, key, at: before?.at ?? at, text })
  }

  private tool(payload: Of<'tool'>, at: string): void {
    const key = `tool ${payload.toolCallId}`
    const found = this.known(key)
    const before = found?.kind === 'tool' ? found : undefined
    this.put({
      kind: 'tool',
      key,
      at: before?.at ?? at,
      title: payload.title ?? before?.title ?? payload.toolKind ?? 'Tool',
      toolKind: payload.toolKind ?? before?.toolKind ?? 'other',
      status: payload.status ?? before?.status ?? 'pending',
      content: payload.content ?? before?.content ?? [],
    })
  }

  private endTurn(payload: Of<'turn_end'>, at: string): void {
    const durationMs = this.turn?.promptId === payload.promptId ? Date.parse(at) - Date.parse(this.turn.startedAt) : null
    this.put({ kind: 'turn_end', key: `end ${payload.promptId}`, at, outcome: payload.outcome, message: payload.message, durationMs })
    if (this.turn?.promptId === payload.promptId) this.turn = null
  }
}

/** Folds further entries in; those that are in already are left out, so that the same answer twice changes nothing. */
export function fold(from: Conversation, entries: readonly JournalEntry[]): Conversation {
  const fresh = entries.filter(({ sequence }) => sequence > from.upTo)
  if (fresh.length === 0) return from
  const folding = new Folding(from)
  for (const entry of fresh) folding.take(entry)
  return { items: folding.items, upTo: fresh.at(-1)?.sequence ?? from.upTo, turn: folding.turn }
}
