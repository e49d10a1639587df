import type { ContentBlock, SessionUpdate, ToolCallContent } from '@agentclientprotocol/sdk'
import type { JournalPayload } from '@helix/contract/sessions'

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

/** Everything an agent reports but its words, as a journal entry; undefined for what is not kept. */
export function entryOf(update: SessionUpdate, toolCallId: (agentsId: string, begins: boolean) => string): JournalPayload | undefined {
  switch (update.sessionUpdate) {
    case 'tool_call':
      return toolEntry(update, toolCallId(update.toolCallId, true))
    case 'tool_call_update':
      return toolEntry(update, toolCallId(update.toolCallId, false))
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

function toolEntry(report: ToolReport, toolCallId: string): ToolPayload {
  const entry: ToolPayload = { kind: 'tool', toolCallId }
  if (report.title) entry.title = bounded(report.title, 2000)
  if (report.kind) entry.toolKind = report.kind
  if (report.status) entry.status = report.status
  const content = contentOf(report)
  if (content.length > 0) entry.content = content
  return entry
}

function contentOf({ content, rawInput, rawOutput }: ToolReport): ToolContent[] {
  const told = (content ?? []).slice(0, mostPieces).map(piece)
  if (told.length > 0) return told.filter((item) => item.kind === 'diff' || item.text !== '')
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

function piece(item: ToolCallContent): ToolContent {
  if (item.type === 'diff') {
    return { kind: 'diff', path: item.path, before: item.oldText == null ? null : bounded(item.oldText), after: bounded(item.newText) }
  }
  return { kind: 'text', text: item.type === 'content' ? bounded(textOf(item.content)) : '' }
}

/** The beginning of a text, with how much was left out. */
function bounded(text: string, most = longestText): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)}\n… ${text.length - most} more characters`
}
