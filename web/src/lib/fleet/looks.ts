import type { FleetHost } from '@helix/contract/fleet'
import type { SessionState } from '@helix/contract/sessions'
import CircleAlert from '@lucide/svelte/icons/circle-alert'
import CircleCheck from '@lucide/svelte/icons/circle-check'
import CircleDashed from '@lucide/svelte/icons/circle-dashed'
import CirclePause from '@lucide/svelte/icons/circle-pause'
import CircleX from '@lucide/svelte/icons/circle-x'
import LoaderCircle from '@lucide/svelte/icons/loader-circle'
import LogOut from '@lucide/svelte/icons/log-out'
import MessageSquare from '@lucide/svelte/icons/message-square'

export type HostState = 'revoked' | 'silent' | 'problem' | 'draining' | 'cordoned' | 'open'

/** What matters most about a host in one word; what a person did counts before what follows from it. */
export function hostState(host: FleetHost): HostState {
  if (host.credential === 'revoked') return 'revoked'
  if (!host.online) return 'silent'
  if (host.admission !== 'open') return host.admission
  return host.problem === null ? 'open' : 'problem'
}

export const hostLooks = {
  revoked: { icon: CircleX, tone: 'danger' },
  silent: { icon: CircleX, tone: 'danger' },
  problem: { icon: CircleAlert, tone: 'danger' },
  draining: { icon: LogOut, tone: 'warn' },
  cordoned: { icon: CirclePause, tone: 'warn' },
  open: { icon: CircleCheck, tone: 'ok' },
} as const satisfies Record<HostState, object>

export const sessionLooks = {
  queued: { icon: CircleDashed, colour: 'text-muted' },
  starting: { icon: LoaderCircle, colour: 'text-accent' },
  idle: { icon: MessageSquare, colour: 'text-ok' },
  running: { icon: LoaderCircle, colour: 'animate-spin text-accent' },
  suspended: { icon: CirclePause, colour: 'text-muted' },
  lost: { icon: CircleAlert, colour: 'text-danger' },
  stopped: { icon: CircleX, colour: 'text-muted' },
} as const satisfies Record<SessionState, object>

export const checkLooks = {
  ok: { icon: CircleCheck, colour: 'text-ok' },
  warn: { icon: CircleAlert, colour: 'text-warn' },
  failed: { icon: CircleX, colour: 'text-danger' },
  unknown: { icon: CircleDashed, colour: 'text-muted' },
} as const
