import type { SessionUpdate } from '@agentclientprotocol/sdk'
import type { JournalPayload } from '@helix/contract/sessions'
import { nothingRedacted, type Redactor } from '../redactor.ts'
import { Coalescer } from './coalescer.ts'
import type { Journal } from './journal.ts'
import { entryOf, textOf } from './updates.ts'

/** Units: characters of the agent's newest message that are kept to look into. */
const keptWords = 4096

/**
 * Writes what an agent reports into the journal. A journal that cannot be written (a full disk) does not stop the agent in the middle: the
 * failure is thrown at the end of the turn.
 */
export class Recorder {
  private readonly journal: Journal
  private readonly redactor: Redactor
  private readonly chunks: Coalescer
  /** Ids of tool calls, by the agent's own id: models count from 1 in each answer, the journal needs them unique. */
  private readonly calls = new Map<string, { id: string; ended: boolean; toolKind: string | undefined }>()
  private latest = ''
  private failure: Error | null = null
  /** The end of the agent's newest message; empty after anything else. */
  lastWords = ''
  /** The agent used a tool in this turn. */
  worked = false

  constructor(journal: Journal, redactor: Redactor = nothingRedacted) {
    this.journal = journal
    this.redactor = redactor
    this.chunks = new Coalescer((payload) => this.write(payload), redactor)
  }

  record(update: SessionUpdate): void {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        this.lastWords = (this.lastWords + textOf(update.content)).slice(-keptWords)
        this.chunks.push('agent', textOf(update.content), update.messageId ?? null)
        break
      case 'agent_thought_chunk':
        this.chunks.push('thought', textOf(update.content), update.messageId ?? null)
        break
      default:
        // Before anything is shortened: half a secret is not found.
        this.recordEvent(this.redactor.deep(update))
    }
  }

  /** Something that must not be lost, between what the agent says. */
  event(payload: JournalPayload): void {
    this.endMessage()
    this.write(this.redactor.deep(payload), true)
  }

  notice(text: string): void {
    this.endMessage()
    this.write({ kind: 'notice', text: this.redactor.text(text) })
  }

  /** Writes what is held; tool calls of the next turn are new ones. */
  endTurn(): void {
    this.endMessage()
    this.calls.clear()
    this.worked = false
    const failure = this.failure
    this.failure = null
    if (failure !== null) throw failure
  }

  private recordEvent(update: SessionUpdate): void {
    const entry = entryOf(update, (agentsId, kind, begins) => this.call(agentsId, kind, begins))
    if (entry === undefined || saysNothing(entry)) return
    this.endMessage()
    this.worked ||= entry.kind === 'tool'
    // Agents repeat themselves: a plan, or "in progress" twice.
    const text = JSON.stringify(entry)
    if (text === this.latest) return
    this.latest = text
    this.write(entry)
    if (entry.kind === 'tool' && (entry.status === 'completed' || entry.status === 'failed')) this.endCall(entry.toolCallId)
  }

  private endMessage(): void {
    this.chunks.endMessage()
    this.lastWords = ''
  }

  private write(payload: JournalPayload, synced = false): void {
    if (this.failure !== null) return
    try {
      if (synced) this.journal.appendSynced(payload)
      else this.journal.append(payload)
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Later reports of a call leave out what kind of tool it is. */
  private call(agentsId: string, kind: string | undefined, begins: boolean): { id: string; toolKind: string | undefined } {
    const known = this.calls.get(agentsId)
    if (known !== undefined && !(begins && known.ended)) {
      known.toolKind = kind ?? known.toolKind
      return known
    }
    const call = { id: `${this.journal.last + 1}.${agentsId}`, ended: false, toolKind: kind }
    this.calls.set(agentsId, call)
    return call
  }

  private endCall(id: string): void {
    for (const call of this.calls.values()) if (call.id === id) call.ended = true
  }
}

/** A tool report of nothing but its id. */
function saysNothing(entry: JournalPayload): boolean {
  return entry.kind === 'tool' && Object.keys(entry).length === 2
}
