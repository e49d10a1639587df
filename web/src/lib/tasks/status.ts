import type { TaskStatus } from '@helix/contract/task-status'
import Archive from '@lucide/svelte/icons/archive'
import CircleCheck from '@lucide/svelte/icons/circle-check'
import CircleDashed from '@lucide/svelte/icons/circle-dashed'
import CircleX from '@lucide/svelte/icons/circle-x'
import Clock from '@lucide/svelte/icons/clock'
import Eye from '@lucide/svelte/icons/eye'
import GitMerge from '@lucide/svelte/icons/git-merge'
import LoaderCircle from '@lucide/svelte/icons/loader-circle'
import type { Component } from 'svelte'

export interface StatusLook {
  word: string
  tone: 'neutral' | 'accent' | 'ok' | 'warn' | 'danger'
  icon: Component<{ size?: number; class?: string; 'aria-hidden'?: 'true' }>
  /** An agent works right now. */
  working: boolean
}

const look = (word: string, tone: StatusLook['tone'], icon: unknown, working = false): StatusLook => ({
  word,
  tone,
  icon: icon as StatusLook['icon'],
  working,
})

/** A status as people see it: always a word and an icon, never a colour alone. */
export const statusLooks: Record<TaskStatus, StatusLook> = {
  backlog: look('Backlog', 'neutral', CircleDashed),
  queued_planning: look('Queued', 'neutral', Clock),
  planning: look('Planning', 'accent', LoaderCircle, true),
  spec_review: look('Needs review', 'warn', Eye),
  queued_implementation: look('Queued', 'neutral', Clock),
  implementing: look('Implementing', 'accent', LoaderCircle, true),
  implementation_review: look('Needs review', 'warn', Eye),
  pull_request: look('Merging', 'accent', GitMerge, true),
  merged: look('Merged', 'ok', CircleCheck),
  failed: look('Failed', 'danger', CircleX),
  archived: look('Archived', 'neutral', Archive),
}
