export interface AuditConditions {
  text: string
  /** Days, as a date input writes them; empty: no bound. */
  from: string
  to: string
}

export const conditionsOf = (search: Pick<URLSearchParams, 'get'>): AuditConditions => ({
  text: search.get('text') ?? '',
  from: search.get('from') ?? '',
  to: search.get('to') ?? '',
})

const dayStart = (day: string, add = 0): string => {
  const date = new Date(`${day}T00:00:00`)
  date.setDate(date.getDate() + add)
  return date.toISOString()
}

const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text)

/** As the API asks for them: both days are included, in the person's own time. */
export function queryOf({ text, from, to }: AuditConditions): Record<string, string> {
  return {
    ...(text.trim() === '' ? {} : { text: text.trim() }),
    ...(isDay(from) ? { from: dayStart(from) } : {}),
    ...(isDay(to) ? { to: dayStart(to, 1) } : {}),
  }
}
