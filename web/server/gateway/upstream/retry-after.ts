/** How long a provider asks to be left alone; null: it does not say. Units: milliseconds. */
export function retryAfterMs(headers: Readonly<Record<string, string | string[] | undefined>>): number | null {
  const exact = Number(headers['retry-after-ms'])
  if (Number.isFinite(exact) && exact > 0) return exact
  const value = headers['retry-after']
  if (typeof value !== 'string') return null
  const ms = /^[\d.]+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : null
}
