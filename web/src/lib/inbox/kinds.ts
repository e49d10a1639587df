import type { HelixEvent } from '@helix/contract/events'
import { endedByHand, type InboxItem, type InboxKind } from '@helix/contract/inbox'
import AtSign from '@lucide/svelte/icons/at-sign'
import ChartNoAxesColumn from '@lucide/svelte/icons/chart-no-axes-column'
import CircleX from '@lucide/svelte/icons/circle-x'
import FileText from '@lucide/svelte/icons/file-text'
import GitPullRequest from '@lucide/svelte/icons/git-pull-request'
import KeyRound from '@lucide/svelte/icons/key-round'
import MessageCircleQuestionMark from '@lucide/svelte/icons/message-circle-question-mark'
import WalletMinimal from '@lucide/svelte/icons/wallet-minimal'
import { routes } from '#lib/routes.ts'

export const kindIcons: Record<InboxKind, typeof AtSign> = {
  spec_review: FileText,
  implementation_review: GitPullRequest,
  permission: KeyRound,
  question: MessageCircleQuestionMark,
  failed: CircleX,
  mention: AtSign,
  budget: WalletMinimal,
  spending: ChartNoAxesColumn,
}

/** Where an item is handled, or where it is from. */
export function placeOf(item: Pick<InboxItem, 'kind' | 'project' | 'task' | 'session'>): string {
  const tab = item.kind === 'budget' || item.kind === 'spending' ? 'budget' : undefined
  if (item.task === null && item.session === null)
    return item.project === null ? routes.settings('budgets') : routes.projectSettings(item.project.id, 'budgets')
  if (item.task === null) return item.session === null ? routes.inbox() : routes.session(item.session.id, tab)
  if (item.kind === 'spec_review' || item.kind === 'mention') return routes.spec(item.task.id)
  return item.kind === 'implementation_review' ? routes.task(item.task.id, 'changes') : routes.task(item.task.id, tab)
}

export function endsByHand(kind: InboxKind): boolean {
  return (endedByHand as readonly InboxKind[]).includes(kind)
}

/** Whether an inbox must be read again: by an item of it, and by a project that came, went or was closed to the person. */
export function movesInbox(event: HelixEvent, userId: string | null = null): boolean {
  if (event.type === 'inbox.changed') return event.userId === null || userId === null || event.userId === userId
  return event.type === 'project.changed' || event.type === 'access.changed'
}
