export interface SnoozeChoice {
  label: string
  until: Date
}

/** At nine in the morning of the person's own time zone, some days on. */
function morning(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9)
}

/** What a person may put off to: an hour, tomorrow's morning, Monday's. */
export function snoozeChoices(now: Date): SnoozeChoice[] {
  const toMonday = (8 - now.getDay()) % 7 || 7
  return [
    { label: 'For an hour', until: new Date(now.getTime() + 3_600_000) },
    { label: 'Until tomorrow', until: morning(now, 1) },
    { label: 'Until next week', until: morning(now, toMonday) },
  ]
}
