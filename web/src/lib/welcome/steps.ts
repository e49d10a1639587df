import type { Onboarding } from '@helix/contract/onboarding'
import { type Role, roleGrants } from '@helix/contract/permissions'
import { routes } from '#lib/routes.ts'
import { words } from './messages.ts'

export type StepState = 'done' | 'working' | 'wrong' | 'waits' | 'checking'

export interface Step {
  key: 'model' | 'repository' | 'host' | 'task'
  title: string
  state: StepState
  /** What is so. */
  text: string
  /** A moment that ends `text`. */
  at?: string
  /** How to go on, where it is not by the action alone. */
  fix?: string
  /** For a terminal. */
  command?: string
  /** The provider's own words. */
  detail?: string
  /** Who can, where this person cannot. */
  refusal?: string
  action?: { label: string; href: string } | { label: string; test: true }
}

const namesOf = ({ administrators }: Onboarding): string =>
  administrators.length === 0 ? words.nobody : new Intl.ListFormat('en', { type: 'disjunction' }).format(administrators)

/** Set up where the control plane runs: nobody does it by a click. */
function operators(steps: Onboarding): { refusal?: string } {
  return steps.runsInstallation ? {} : { refusal: words.operator }
}

function model(steps: Onboarding, role: Role): Step {
  const { inference } = steps
  const common = { key: 'model' as const, title: words.model.title }
  const test = roleGrants(role, 'task:write') ? { action: { label: words.model.test, test: true as const } } : {}
  if (inference.demo)
    return {
      ...common,
      state: 'wrong',
      text: words.model.demo,
      fix: words.model.demoFix,
      command: words.model.command,
      ...operators(steps),
    }
  const { checks } = inference
  if (checks === null) return { ...common, state: 'checking', text: words.model.checking }
  const bad = checks.find(({ ok }) => !ok)
  if (bad !== undefined)
    return {
      ...common,
      state: 'wrong',
      text: bad.problem ?? '',
      fix: bad.fix ?? '',
      ...(bad.detail === null ? {} : { detail: bad.detail }),
      ...test,
      ...operators(steps),
    }
  return { ...common, state: 'done', text: checks.map((one) => words.model.ok(one.name, one.model, one.durationMs)).join(' '), ...test }
}

function repository(steps: Onboarding, role: Role): Step {
  const common = { key: 'repository' as const, title: words.repository.title }
  const { project, repository } = steps
  if (project !== null && repository !== null)
    return {
      ...common,
      state: 'done',
      text: words.repository.done(repository.name, project.name),
      action: { label: words.repository.open, href: routes.board(project.id) },
    }
  const text = repository === null ? words.repository.none : words.repository.noProject(repository.name)
  if (!roleGrants(role, 'project:write')) return { ...common, state: 'wrong', text, refusal: words.needs(namesOf(steps)) }
  return { ...common, state: 'wrong', text, action: { label: words.repository.create, href: routes.newProject() } }
}

function host(steps: Onboarding): Step {
  const { known, online, name, lastSeenAt, problem } = steps.hosts
  const common = { key: 'host' as const, title: words.host.title, action: { label: words.host.look, href: routes.sandboxes() } }
  const moment = lastSeenAt === null ? {} : { at: lastSeenAt }
  if (known === 0 || name === null)
    return { ...common, state: 'wrong', text: words.host.never, fix: words.host.neverFix, ...operators(steps) }
  if (online > 0) return { ...common, state: 'done', text: words.host.ok(name, online), ...moment }
  if (problem !== null)
    return { ...common, state: 'wrong', text: words.host.ill(name, problem), fix: words.host.illFix, ...operators(steps) }
  return { ...common, state: 'wrong', text: words.host.gone(name), ...moment, fix: words.host.goneFix, ...operators(steps) }
}

function task(steps: Onboarding, role: Role): Step {
  const common = { key: 'task' as const, title: words.task.title }
  const { project, task } = steps
  if (task === null) {
    if (project === null) return { ...common, state: 'waits', text: words.task.before }
    if (!roleGrants(role, 'task:write')) return { ...common, state: 'wrong', text: words.task.none, refusal: words.task.mayNot }
    return { ...common, state: 'wrong', text: words.task.none, action: { label: words.task.create, href: routes.newTask(project.id) } }
  }
  const name = `#${task.number} ${task.title}`
  const open = { label: words.task.open, href: routes.task(task.id) }
  const at = (state: StepState, text: string, action: Step['action'] & object = open): Step => ({
    ...common,
    state,
    text: `${name}: ${text}`,
    action,
  })
  switch (task.status) {
    case 'merged':
      return at('done', 'merged.')
    case 'failed':
      return at('wrong', task.problem ?? task.activity, { ...open, label: words.task.failed })
    case 'backlog':
      return at('wrong', 'waits in the backlog to be started.', { ...open, label: words.task.start })
    case 'spec_review':
      return at('wrong', 'its spec waits for a review.', { label: words.task.review, href: routes.spec(task.id) })
    case 'implementation_review':
      return at('wrong', 'its changes wait for a review.', { label: words.task.reviewChanges, href: routes.task(task.id, 'changes') })
    default:
      return at('working', task.activity.trim() === '' ? 'the agent works.' : task.activity)
  }
}

/** The way to the first merged task: what is so, what is wrong, and the one action that fixes it. */
export function stepsOf(steps: Onboarding, role: Role): Step[] {
  return [model(steps, role), repository(steps, role), host(steps), task(steps, role)]
}
