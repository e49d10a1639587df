import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { getMe } from '@helix/contract/identity'
import type { Project } from '@helix/contract/projects'
import { getJournal, type JournalEntry } from '@helix/contract/sessions'
import { getTimeline } from '@helix/contract/task-work'
import type { Task } from '@helix/contract/tasks'
import { openDatabase } from '../stack/database.ts'
import { countLeftovers } from '../stack/leftovers.ts'
import type { Scratch } from '../stack/scratch.ts'

/** One thing that must hold, and whether it does. */
export interface Finding {
  what: string
  holds: boolean
  seen: string
}

const finding = (what: string, seen: unknown, expected: unknown): Finding => ({
  what,
  holds: JSON.stringify(seen) === JSON.stringify(expected),
  seen: JSON.stringify(seen),
})

async function journalOf(scratch: Scratch, task: Task): Promise<JournalEntry[]> {
  if (task.sessionId === null) throw new Error(`task #${task.number} has no session`)
  const entries: JournalEntry[] = []
  for (;;) {
    const query = { after: entries.at(-1)?.sequence ?? 0, limit: 1000 }
    const page = await scratch.call(getJournal, { params: { sessionId: task.sessionId }, query })
    entries.push(...page.entries)
    if (page.entries.length === 0 || entries.length >= page.upTo) return entries
  }
}

async function bareRepository(scratch: Scratch, project: Project): Promise<string> {
  const me = await scratch.call(getMe, {})
  return join(scratch.stack.config.dataDir, 'git', me.organisation.id, `${project.repositories[0]?.id}.git`)
}

function git(repository: string, ...args: string[]): string[] {
  return execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '')
}

/** What must hold of one merged task, whatever died while it ran. */
export async function findingsOf(scratch: Scratch, project: Project, task: Task): Promise<Finding[]> {
  const name = `#${task.number}`
  const repository = await bareRepository(scratch, project)
  const merges = git(repository, 'log', '--format=%(trailers:key=Helix-Task,valueonly,separator=)', task.baseBranch).filter(
    (id) => id.trim() === task.id,
  )
  const specs = git(repository, 'log', '--format=%h %s', 'helix-specs', '--', task.specFolder)
  const specSubjects = specs.map((line) => line.slice(line.indexOf(' ')))
  const journal = await journalOf(scratch, task)
  const prompts = journal.flatMap(({ payload }) => (payload.kind === 'prompt' ? [payload.promptId] : []))
  const { turns, steps } = await scratch.call(getTimeline, { params: { taskId: task.id } })
  const asked = (kind: string): number => turns.filter((turn) => turn.kind === kind).length
  return [
    finding(`${name} is merged`, task.status, 'merged'),
    finding(`${name} has one merge commit`, merges.length, 1),
    { what: `${name} has no doubled spec commit`, holds: specSubjects.length === new Set(specSubjects).size, seen: specs.join(', ') },
    finding(`${name} no prompt reached the agent twice`, prompts.length, new Set(prompts).size),
    finding(`${name} was asked to plan and to implement once`, [asked('plan'), asked('implement')], [1, 1]),
    finding(
      `${name} journal has no gap`,
      journal.map(({ sequence }) => sequence).every((sequence, index) => sequence === index + 1),
      true,
    ),
    finding(
      `${name} each status was written once`,
      steps.map(({ step }) => step).every((step, index) => step === index + 1),
      true,
    ),
  ]
}

/** Tokens of stopped sessions that still open something; read from the database itself. */
async function liveTokens(scratch: Scratch): Promise<number> {
  await using database = openDatabase(scratch.stack)
  const rows = (await database('session_tokens').whereNull('revoked_at').count('* as count')) as { count: string }[]
  return Number(rows[0]?.count ?? 0)
}

/** Nothing is left once every task is merged; sessions end a moment after their task, so it may take `deadlineMs`. */
export async function leftoverFindings(
  scratch: Scratch,
  deadlineMs: number,
  installation = scratch.stack.secrets.installation,
): Promise<Finding[]> {
  const end = Date.now() + deadlineMs
  for (;;) {
    const left = await countLeftovers(installation)
    const tokens = await liveTokens(scratch)
    const clean = left.containers + left.networks + left.volumes + tokens === 0
    if (!clean && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      continue
    }
    return [
      finding('no container is left', left.containers, 0),
      finding('no network is left', left.networks, 0),
      finding('no volume is left', left.volumes, 0),
      finding('no session token opens anything', tokens, 0),
    ]
  }
}
