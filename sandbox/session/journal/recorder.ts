import type { SessionUpdate } from '@agentclientprotocol/sdk'
import type { DesktopAction } from '@helix/contract/desktop-action'
import type { JournalPayload } from '@helix/contract/sessions'
import { nothingRedacted, type Redactor } from '../redactor.ts'
import { Coalescer } from './coalescer.ts'
import type { Journal } from './journal.ts'
import { entryOf, textOf } from './updates.ts'

interface Call {
  id: string
  ended: boolean
  toolKind: string | undefined
  /** What the agent calls it. */
  title: string
  /** What it did to the desktop is written. */
  marked: boolean
}

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
  private readonly calls = new Map<string, Call>()
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

  /**
   * Writes what a call of the agent did to the desktop into that call: the one with the agent's own id, else the oldest that names the tool. False: there
   * is none of them.
   */
  markDesktop(action: DesktopAction, agentsId: string | null): boolean {
    const named = agentsId === null ? undefined : this.calls.get(agentsId)
    const call = named ?? [...this.calls.values()].find((one) => !one.marked && isCallOf(one.title, action.action))
    if (call === undefined) return false
    call.marked = true
    this.write({ kind: 'tool', toolCallId: call.id, desktop: action })
    return true
  }

  /** A call that the agent itself does not report. */
  desktopCall(action: DesktopAction, text: string): void {
    this.endMessage()
    const toolCallId = `${this.journal.last + 1}.desktop`
    const content = [{ kind: 'text' as const, text: this.redactor.text(text) }]
    this.write({
      kind: 'tool',
      toolCallId,
      title: `desktop: ${action.action}`,
      toolKind: 'other',
      status: 'completed',
      content,
      desktop: action,
    })
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
    const entry = entryOf(update, (agentsId, kind, begins, title) => this.call(agentsId, kind, begins, title))
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
  private call(agentsId: string, kind: string | undefined, begins: boolean, title: string | undefined): Call {
    const known = this.calls.get(agentsId)
    if (known !== undefined && !(begins && known.ended)) {
      known.toolKind = kind ?? known.toolKind
      known.title = title ?? known.title
      return known
    }
    const id = `${this.journal.last + 1}.${agentsId}`
    const call = { id, ended: false, toolKind: kind, title: title ?? '', marked: false }
    this.calls.set(agentsId, call)
    return call
  }

  private endCall(id: string): void {
    for (const call of this.calls.values()) if (call.id === id) call.ended = true
  }
}

/** Agents call the tools of an MCP server `mcp__desktop__click`, `desktop: click` and the like. */
function isCallOf(title: string, tool: string): boolean {
  const letters = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  return letters(title).includes(`desktop${letters(tool)}`)
}

/** A tool report of nothing but its id. */
function saysNothing(entry: JournalPayload): boolean {
  return entry.kind === 'tool' && Object.keys(entry).length === 2
}
