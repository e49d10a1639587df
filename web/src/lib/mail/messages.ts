import type { Mail } from '@helix/contract/mail'

export const words = {
  sends: (from: string) => `Mail goes out as ${from}.`,
  local: 'No mail server is configured (SMTP_URL): mail is kept here, the last 200, and reaches nobody.',
  ownersOnly: 'Only owners read the texts: a mail may hold a link that signs its receiver in.',
  problem: (waiting: number) => `Mail does not get out: ${waiting} ${waiting === 1 ? 'waits' : 'wait'} and will be sent when it does.`,
  empty: 'No mail yet',
  emptyText: 'Invitations, password resets and notifications are listed here.',
  states: { waiting: 'waiting', sent: 'sent', logged: 'kept here', failed: 'failed', cancelled: 'not needed' } satisfies Record<
    Mail['state'],
    string
  >,
  next: 'next try',
  retry: 'Try now',
  open: 'Open the link',
  stale: 'The mail could not be read again',
  refresh: 'Read again',
}
