import type { PromptKind } from '@helix/contract/internal'
import type { StoredComment } from '../code-comments/store.ts'
import { commentsText as commentsOnCode } from '../code-comments/wording.ts'
import { padded } from '../tasks/names.ts'
import { specFolderOfRow, type TaskRow } from '../tasks/store.ts'

export interface PromptFacts {
  task: TaskRow
  repositories: { name: string }[]
  note: string | null
  /** Open comments of the reviewers. */
  /** Open comments on the changes. */
  codeComments?: StoredComment[]
  comments: { document: string | null; quote: string | null; body: string; author: string }[]
  /** Files that people put on the task, with the URL that the session's token reads. */
  attachments: { name: string; type: string; url: string }[]
  /** Of the project, in markdown; empty: none. */
  guidelines: string
}

const workspace = '/workspace'
const specsWorktree = `${workspace}/helix-specs`

/** Read by agents as text and by the demo script as data; see docs/architecture.md. */
export function factsBlock({ task, repositories }: Pick<PromptFacts, 'task' | 'repositories'>, phase: 'planning' | 'implementing'): string {
  return [
    '<helix-task>',
    `phase: ${phase}`,
    `number: ${padded(task.number)}`,
    `title: ${task.title.replace(/\s+/g, ' ')}`,
    `spec-folder: ${specFolderOfRow(task)}`,
    `specs-worktree: ${specsWorktree}`,
    `repository: ${workspace}/${repositories[0]?.name ?? ''}`,
    `branch: ${task.branch}`,
    `base-branch: ${task.base_branch}`,
    '</helix-task>',
  ].join('\n')
}

function commentsText({ comments }: PromptFacts): string {
  if (comments.length === 0) return ''
  const items = comments.map(({ document, quote, body, author }) => {
    const where = document === null ? 'On the whole spec' : `In ${document}.md, on "${(quote ?? '').replace(/\s+/g, ' ').slice(0, 300)}"`
    return `- ${where}, ${author} says: ${body}`
  })
  return `\nOpen comments:\n${items.join('\n')}\n`
}

const quoted = (note: string | null): string => (note === null || note.trim() === '' ? '' : `\nThe reviewer writes:\n${note.trim()}\n`)

/** A prompt that begins work, and a person's message, says what was attached and how to get it. */
export function attachmentsText({ attachments }: Pick<PromptFacts, 'attachments'>): string {
  if (attachments.length === 0) return ''
  const items = attachments.map(({ name, type, url }) => `- ${name.replace(/\s+/g, ' ')} (${type}): ${url}`)
  return `\nAttached files (fetch one with the git credentials' token as bearer):\n${items.join('\n')}\n`
}

function planning(facts: PromptFacts): string {
  const { task } = facts
  const folder = `${specsWorktree}/${specFolderOfRow(task)}`
  return `You are planning a change; do not implement it yet. This is what is wanted:

${task.prompt}
${facts.note === null ? '' : `\nAn earlier spec for it was rejected, for this reason:\n${facts.note.trim()}\n`}
Look at the repository first. Then write three documents into ${folder}/ (a worktree of the branch helix-specs):
- requirements.md: what must hold when it is done, as user stories with acceptance criteria in EARS form ("When …, the system shall …").
- design.md: how it will be built: the files to touch, interfaces, data, failure cases, how it is tested, what was decided against.
- tasks.md: the steps of the implementation as a checklist, one "- [ ] …" each, small enough to check off one by one.
Be exact and short: a person reviews these documents before any code is written. Commit them in the worktree and push the branch helix-specs (git push origin HEAD:helix-specs; when
others pushed first, git pull --rebase and push again). End your turn when the push went through.`
}

function implementing(facts: PromptFacts): string {
  const { task, repositories } = facts
  const first = repositories[0]?.name ?? ''
  const spec = task.just_do_it
    ? `There is no spec; this is what is wanted:\n\n${task.prompt}`
    : `The spec is approved. Follow ${specsWorktree}/${specFolderOfRow(task)}/tasks.md step by step; requirements.md and design.md beside it say what and how. While you go, mark
each step "- [x]" in tasks.md, and commit and push helix-specs. This is what was asked for:\n\n${task.prompt}`
  return `Now implement the change in ${workspace}/${first}, on the branch ${task.branch} that is checked out there.

${spec}

Write tests for it and run the tests of the repository. Commit with clear messages and push the branch (git push origin HEAD:${task.branch}). Touch nothing that the change does not
need. End your turn when everything is pushed.`
}

const texts: Record<PromptKind, (facts: PromptFacts) => string> = {
  plan: planning,
  implement: implementing,
  revise_spec: (facts) => `The spec was reviewed and needs changes.\n${quoted(facts.note)}${commentsText(facts)}
Change the documents in ${specsWorktree}/${specFolderOfRow(facts.task)}/ accordingly, commit, and push helix-specs. End your turn when the push went through.`,
  revise_implementation: (facts) => `The implementation was reviewed and needs changes.\n${quoted(facts.note)}
${commentsOnCode(facts.codeComments ?? [])}
Change it on the branch ${facts.task.branch}, run the tests, commit and push. End your turn when the push went through.`,
  resolve_conflict: (
    facts,
  ) => `The branch ${facts.task.branch} was approved but does not merge: ${facts.task.base_branch} changed the same lines${facts.note ? ` in ${facts.note}` : ''}.
Fetch, merge origin/${facts.task.base_branch} into ${facts.task.branch}, resolve the conflicts so that both changes hold, run the tests, commit and push.`,
  nudge: (
    facts,
  ) => `Your turn ended, but the result is not there yet.\n${quoted(facts.note).replace('The reviewer writes:', 'What is missing:')}
Go on from where you are: look at what is done, do the rest, commit and push.`,
  person: ({ note }) => note ?? '',
}

const phaseOf = (kind: PromptKind, task: TaskRow): 'planning' | 'implementing' => {
  if (kind === 'plan' || kind === 'revise_spec') return 'planning'
  if (kind === 'nudge') return task.status === 'planning' ? 'planning' : 'implementing'
  return 'implementing'
}

/** Told with every round of work, since the conversation may have begun anew; what a person writes is passed on as it is. */
function guidelinesText(kind: PromptKind, { guidelines }: PromptFacts): string {
  if (kind === 'person' || guidelines.trim() === '') return ''
  return `\n\nGuidelines of this project, to keep in all you do:\n\n${guidelines.trim()}`
}

/** The whole text that the agent gets. */
export function composePrompt(kind: PromptKind, facts: PromptFacts): string {
  const round = kind === 'plan' || kind === 'implement' ? '' : `\nround: ${kind}`
  const block = factsBlock(facts, phaseOf(kind, facts.task)).replace('\n</helix-task>', `${round}\n</helix-task>`)
  const files = kind === 'plan' || kind === 'implement' ? attachmentsText(facts) : ''
  return `${texts[kind](facts)}${guidelinesText(kind, facts)}\n${files}\n${block}\n`
}
