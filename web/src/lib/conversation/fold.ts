import type { DesktopAction } from '@helix/contract/desktop-action'
import type { FormField, FormValues } from '@helix/contract/forms'
import type { JournalEntry, JournalPayload, PermissionOption } from '@helix/contract/sessions'

type Of<K extends JournalPayload['kind']> = Extract<JournalPayload, { kind: K }>
export type ToolStatus = NonNullable<Of<'tool'>['status']>
export type ToolContent = NonNullable<Of<'tool'>['content']>[number]

interface Piece {
  /** Stays the same while the piece grows. */
  key: string
  at: string
}

export type Permission = Piece & {
  kind: 'permission'
  requestId: string
  title: string
  tool: string
  options: PermissionOption[]
  /** It asks with a form. */
  fields?: FormField[] | undefined
  state: 'pending' | Of<'permission_end'>['outcome']
  optionId: string | null
  answeredBy: string | null
  values?: FormValues | undefined
}

/** What the conversation shows, one after the other. */
export type Item =
  | (Piece & { kind: 'prompt'; promptId: string; origin: 'workflow' | 'person'; author: string | null; text: string })
  | (Piece & { kind: 'agent'; text: string })
  | (Piece & { kind: 'thought'; text: string })
  | (Piece & { kind: 'tool'; title: string; toolKind: string; status: ToolStatus; content: ToolContent[]; desktop: DesktopAction | null })
  | (Piece & { kind: 'plan'; entries: Of<'plan'>['entries'] })
  | (Piece & { kind: 'turn_end'; outcome: string; message: string | null; durationMs: number | null })
  | (Piece & { kind: 'notice'; text: string })
  | Permission

/**
 * Folds a journal into what is shown, entry by entry: the cost of an entry does not grow with the journal. Items are replaced, never changed, so
 * that what did not change is not drawn again.
 */
export class Folder {
  readonly items: Item[] = []
  /** The highest sequence number folded in. */
  upTo = 0
  /** The turn that is under way, if one is. */
  turn: { promptId: string; startedAt: string } | null = null
  private readonly places = new Map<string, number>()

  /** Takes further entries; answers with the places of the items that are other ones now, the new ones included. */
  take(entries: readonly JournalEntry[]): Set<number> {
    const touched = new Set<number>()
    for (const entry of entries) {
      // The same answer twice changes nothing.
      if (entry.sequence <= this.upTo) continue
      this.upTo = entry.sequence
      const place = this.one(entry)
      if (place !== null) touched.add(place)
    }
    return touched
  }

  private put(item: Item): number {
    const place = this.places.get(item.key)
    if (place !== undefined) {
      this.items[place] = item
      return place
    }
    this.places.set(item.key, this.items.length)
    return this.items.push(item) - 1
  }

  private known(key: string): Item | undefined {
    const place = this.places.get(key)
    return place === undefined ? undefined : this.items[place]
  }

  private one({ sequence, at, payload }: JournalEntry): number | null {
    switch (payload.kind) {
      case 'chunk':
        return this.chunk(payload, at)
      case 'tool':
        return this.tool(payload, at)
      case 'turn_end':
        return this.endTurn(payload, at)
      // An agent sends its whole plan again at each step: one plan a turn is shown, as it stands.
      case 'plan':
        return this.put({ kind: 'plan', key: `plan ${this.turn?.promptId ?? ''}`, at, entries: payload.entries })
      case 'notice':
        return this.put({ kind: 'notice', key: `notice ${sequence}`, at, text: payload.text })
      case 'permission':
        return this.put({ ...payload, key: `permission ${payload.requestId}`, at, state: 'pending', optionId: null, answeredBy: null })
      case 'permission_end':
        return this.endPermission(payload)
      // They have a list of their own.
      case 'checkpoint':
        return null
      case 'prompt':
        this.turn = { promptId: payload.promptId, startedAt: at }
        return this.put({ ...payload, key: `prompt ${payload.promptId}`, at })
    }
  }

  private chunk(payload: Of<'chunk'>, at: string): number {
    const key = `${payload.role} ${payload.messageId}`
    const before = this.known(key)
    const text = before !== undefined && 'text' in before ? before.text + payload.text : payload.text
    return this.put({ kind: payload.role, key, at: before?.at ?? at, text })
  }

  private tool(payload: Of<'tool'>, at: string): number {
    const key = `tool ${payload.toolCallId}`
    const found = this.known(key)
    const before = found?.kind === 'tool' ? found : undefined
    return this.put({
      kind: 'tool',
      key,
      at: before?.at ?? at,
      title: payload.title ?? before?.title ?? payload.toolKind ?? 'Tool',
      toolKind: payload.toolKind ?? before?.toolKind ?? 'other',
      status: payload.status ?? before?.status ?? 'pending',
      content: payload.content ?? before?.content ?? [],
      desktop: payload.desktop ?? before?.desktop ?? null,
    })
  }

  /** One whose question is on an older page is left out: the page will bring it. */
  private endPermission({ requestId, outcome, optionId, answeredBy, values }: Of<'permission_end'>): number | null {
    const before = this.known(`permission ${requestId}`)
    return before?.kind === 'permission' ? this.put({ ...before, state: outcome, optionId, answeredBy, values }) : null
  }

  private endTurn(payload: Of<'turn_end'>, at: string): number {
    const durationMs = this.turn?.promptId === payload.promptId ? Date.parse(at) - Date.parse(this.turn.startedAt) : null
    if (this.turn?.promptId === payload.promptId) this.turn = null
    return this.put({
      kind: 'turn_end',
      key: `end ${payload.promptId}`,
      at,
      outcome: payload.outcome,
      message: payload.message,
      durationMs,
    })
  }
}
