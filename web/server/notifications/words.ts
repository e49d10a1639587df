import type { InboxItemId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { InboxKind } from '@helix/contract/inbox'
import type { PushMessage } from '@helix/contract/notifications'

/** What is told of an item. */
export interface Told {
  id: InboxItemId
  kind: InboxKind
  title: string
  detail: string
  round: number
  /** Null: it is about the organisation. */
  projectId: ProjectId | null
  projectName: string | null
  task: { id: TaskId; number: number; title: string } | null
  /** Where it is of a session without a task. */
  session: { id: SessionId; title: string | null } | null
  createdAt: Date
}

/** Where an item is handled; the pages know the same in `lib/inbox/kinds.ts`. */
export function urlOf(base: string, told: Pick<Told, 'kind' | 'projectId' | 'task' | 'session'>): string {
  const { kind } = told
  if (told.task === null && told.session === null)
    return told.projectId === null ? `${base}/settings/budgets` : `${base}/projects/${told.projectId}/settings/budgets`
  const tab = kind === 'budget' || kind === 'spending' ? '?tab=budget' : ''
  if (told.task === null) return `${base}/sessions/${told.session?.id}${tab}`
  const task = `${base}/tasks/${told.task.id}`
  if (kind === 'spec_review' || kind === 'mention') return `${task}/spec`
  return kind === 'implementation_review' ? `${task}?tab=changes` : `${task}${tab}`
}

function about({ projectName, task, session }: Told): string {
  if (task !== null) return `${projectName} #${task.number}: ${task.title}`
  return session === null ? (projectName ?? 'The organisation') : `${projectName}: ${session.title ?? 'Session'}`
}
const again = (told: Told): string => (told.round > 0 ? 'Reminder: ' : '')
const things = (count: number): string => `${count} things need you`
const headline = (told: Told): string => `${again(told)}${told.title} – ${about(told)}`

function summary(items: Told[]): string {
  const [first] = items
  return items.length === 1 && first !== undefined ? headline(first) : things(items.length)
}

function paragraph(base: string, told: Told): string {
  return [`${again(told)}${told.title}`, about(told), ...(told.detail === '' ? [] : [told.detail]), urlOf(base, told)].join('\n')
}

export function mailOf(base: string, items: Told[]): { subject: string; text: string } {
  const foot = `What you are told of, and when:\n${base}/settings/notifications`
  return {
    subject: summary(items).slice(0, 200).toWellFormed(),
    text: [...items.map((told) => paragraph(base, told)), foot].join('\n\n'),
  }
}

export function pushOf(base: string, items: Told[]): PushMessage {
  const [first] = items
  if (items.length === 1 && first !== undefined) {
    const [title, body] = [`${again(first)}${first.title}`, about(first)]
    return { title: title.slice(0, 300).toWellFormed(), body: body.slice(0, 1000).toWellFormed(), url: urlOf(base, first), tag: first.id }
  }
  const body = items.slice(0, 5).map(headline).join('\n')
  return { title: things(items.length), body: body.slice(0, 1000).toWellFormed(), url: `${base}/inbox`, tag: 'digest' }
}

// https://docs.slack.dev/messaging/formatting-message-text: these three, and nothing else.
const slack = (text: string): string => text.replace(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char] ?? char)
const short = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text)

function section(base: string, told: Told) {
  const detail = told.detail === '' ? '' : `\n${slack(short(told.detail, 500))}`
  const text = `*${slack(again(told) + told.title)}*\n<${urlOf(base, told)}|${slack(short(about(told), 300))}>${detail}`
  return { type: 'section', text: { type: 'mrkdwn', text } }
}

const forPrograms = (base: string, told: Told) => ({
  id: told.id,
  kind: told.kind,
  title: told.title,
  detail: told.detail,
  reminder: told.round,
  url: urlOf(base, told),
  project: told.projectId === null ? null : { id: told.projectId, name: told.projectName },
  task: told.task,
  session: told.session,
  createdAt: told.createdAt.toISOString(),
})

/** Slack shows `text` and `blocks`; `helix` is for programs. */
export function webhookOf(base: string, event: string, items: Told[]) {
  return {
    text: slack(summary(items)),
    blocks: items.slice(0, 40).map((told) => section(base, told)),
    helix: { event, items: items.map((told) => forPrograms(base, told)) },
  }
}

export function testWebhookOf(base: string, by: string) {
  const text = slack(`A test from Helix, sent by ${by}.`)
  const link = { type: 'section', text: { type: 'mrkdwn', text: `${text} <${base}|Open Helix>` } }
  return { text, blocks: [link], helix: { event: 'test', items: [] } }
}
