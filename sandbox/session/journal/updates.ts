import type { ContentBlock, SessionUpdate, ToolCallContent } from '@agentclientprotocol/sdk'
import type { JournalPayload } from '@helix/contract/sessions'
import { imageOf } from './image.ts'

/** Units: characters of one piece of text; the contract's consumers store each piece in one row. */
const longestText = 64 * 1024
const mostPieces = 12
const mostPlanEntries = 200

type ToolPayload = Extract<JournalPayload, { kind: 'tool' }>
type ToolContent = NonNullable<ToolPayload['content']>[number]

/** The text of a content block; media are named, not stored. */
export function textOf(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'resource_link':
      return `[${block.name}](${block.uri})`
    case 'resource':
      return 'text' in block.resource ? block.resource.text : `[${block.resource.uri}]`
    default:
      return `[${block.type}]`
  }
}

/** The journal's own id of a call, and what kind of tool it is as far as was said. */
export type CallOf = (
  agentsId: string,
  kind: string | undefined,
  begins: boolean,
  title: string | undefined,
) => { id: string; toolKind: string | undefined }

/** Everything an agent reports but its words, as a journal entry; undefined for what is not kept. */
export function entryOf(update: SessionUpdate, call: CallOf): JournalPayload | undefined {
  switch (update.sessionUpdate) {
    case 'tool_call':
      return toolEntry(update, call(update.toolCallId, update.kind ?? undefined, true, update.title))
    case 'tool_call_update':
      return toolEntry(update, call(update.toolCallId, update.kind ?? undefined, false, update.title ?? undefined))
    case 'plan':
      return { kind: 'plan', entries: update.entries.slice(0, mostPlanEntries).map(planEntry) }
    case 'notice':
      return { kind: 'notice', text: bounded(update.description ? `${update.title}: ${update.description}` : update.title) }
    default:
      return undefined
  }
}

function planEntry({ content, status, priority }: { content: string; status: 'pending' | 'in_progress' | 'completed'; priority: string }) {
  return { content: bounded(content), status, priority }
}

interface ToolReport {
  title?: string | null
  kind?: string | null
  status?: 'pending' | 'in_progress' | 'completed' | 'failed' | null
  content?: ToolCallContent[] | null
  rawInput?: unknown
  rawOutput?: unknown
}

function toolEntry(report: ToolReport, { id, toolKind }: ReturnType<CallOf>): ToolPayload {
  const entry: ToolPayload = { kind: 'tool', toolCallId: id }
  if (report.title) entry.title = bounded(report.title, 2000)
  if (report.kind) entry.toolKind = report.kind
  if (report.status) entry.status = report.status
  const content = contentOf(report, toolKind === 'execute')
  if (content.length > 0) entry.content = content
  return entry
}

function contentOf({ content, rawInput, rawOutput }: ToolReport, command: boolean): ToolContent[] {
  const told = (content ?? []).slice(0, mostPieces).map((item) => piece(item, command))
  if (told.length > 0) return told.filter((item) => item.kind !== 'text' || item.text !== '')
  const ran = command ? terminalOf(rawOutput) : null
  if (ran !== null) return [ran]
  // Some agents show what a tool was given and answered in the raw fields only.
  const raw = rawOutput ?? rawInput
  if (raw === undefined || raw === null) return []
  const text = typeof raw === 'string' ? raw : commandOf(raw)
  return text === '' ? [] : [{ kind: 'text', text: bounded(text) }]
}

function commandOf(raw: unknown): string {
  if (typeof raw !== 'object' || raw === null) return String(raw)
  if ('command' in raw && typeof raw.command === 'string') return raw.command
  return Object.keys(raw).length === 0 ? '' : JSON.stringify(raw, null, 2)
}

/** What a command wrote, as agents report it in their raw output. */
function terminalOf(raw: unknown): ToolContent | null {
  if (typeof raw === 'string') return { kind: 'terminal', output: ending(raw), exitCode: null }
  if (typeof raw !== 'object' || raw === null) return null
  const { stdout, stderr, output, exitCode, exit_code: code } = raw as Record<string, unknown>
  const said = [output, stdout, stderr].filter((part): part is string => typeof part === 'string' && part !== '')
  const ended = [exitCode, code].find((value): value is number => Number.isInteger(value)) ?? null
  if (said.length === 0 && ended === null) return null
  return { kind: 'terminal', output: ending(said.join('\n')), exitCode: ended }
}

function piece(item: ToolCallContent, command: boolean): ToolContent {
  if (item.type === 'content' && item.content.type === 'image') return imageOf(item.content.data, item.content.mimeType)
  if (command && item.type === 'content' && item.content.type === 'text')
    return item.content.text === '' ? { kind: 'text', text: '' } : { kind: 'terminal', output: ending(item.content.text), exitCode: null }
  if (item.type === 'diff') {
    return { kind: 'diff', path: item.path, before: item.oldText == null ? null : bounded(item.oldText), after: bounded(item.newText) }
  }
  return { kind: 'text', text: item.type === 'content' ? bounded(textOf(item.content)) : '' }
}

/** The beginning and the end of what a command wrote: how it ended is what people look for. */
function ending(text: string): string {
  if (text.length <= longestText) return text
  const half = longestText / 2
  return `${text.slice(0, half)}\n… ${text.length - longestText} characters left out …\n${text.slice(-half)}`.toWellFormed()
}

/** The beginning of a text, with how much was left out. */
function bounded(text: string, most = longestText): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)}\n… ${text.length - most} more characters`
}
