import type { TaskAgent } from '@helix/contract/conversation'
import type { Task } from '@helix/contract/tasks'

type Subject = Pick<Task, 'status' | 'activity' | 'failure' | 'sessionId' | 'demo'>

/** The first line, so that it stays one sentence. */
const short = (text: string): string => {
  const line = text.trim().split('\n')[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

/** What the agent's session lacks before it can work; null when it lacks nothing. */
function sessionLacks(agent: TaskAgent | null): string | null {
  const session = agent?.session
  if (session == null) return null
  if (session.state === 'queued') return session.reason ?? 'Waits for a sandbox host with room'
  if (session.state === 'starting') {
    const at = session.reason === null ? '' : `: ${short(session.reason)}`
    return `Its sandbox starts${session.host === null ? '' : ` on ${session.host.name}`}${at}`
  }
  if (session.state === 'lost') return session.reason ?? 'Its sandbox is lost: it is started again'
  return null
}

function works(task: Subject, agent: TaskAgent | null): string {
  const [asked, ...more] = agent?.permissions ?? []
  const wanted = asked?.fields == null ? 'permission' : 'answer'
  if (asked !== undefined) return `Waits for your ${wanted}: ${short(asked.title)}${more.length === 0 ? '' : ` and ${more.length} more`}`
  return sessionLacks(agent) ?? (task.activity.trim() === '' ? 'The agent works' : task.activity)
}

/** One sentence: what the task waits for, or what happens now. It never has nothing to say. */
export function waitsFor(task: Subject, agent: TaskAgent | null): string {
  switch (task.status) {
    case 'backlog':
      return 'Waits to be started'
    case 'queued_planning':
    case 'queued_implementation':
      return task.activity.trim() === '' ? 'Waits for a place under the project’s limit' : task.activity
    case 'planning':
    case 'implementing':
      return works(task, agent)
    case 'spec_review':
      return 'Waits for a review of the spec'
    case 'implementation_review':
      return 'Waits for a review of the changes'
    case 'pull_request':
      return task.activity.trim() === '' ? 'Is being merged' : task.activity
    case 'merged':
      return 'Merged: nothing is left to do'
    case 'failed':
      return task.failure === null ? 'Failed: retry goes on from the last push' : task.failure.message
    case 'archived':
      return 'Archived: restore it to go on'
  }
}
