const units: [Intl.RelativeTimeFormatUnit, number, string][] = [
  ['year', 31_536_000, 'y'],
  ['month', 2_592_000, 'mo'],
  ['week', 604_800, 'w'],
  ['day', 86_400, 'd'],
  ['hour', 3600, 'h'],
  ['minute', 60, 'm'],
]

/** Units: seconds. A clock that runs ahead of ours by less is no future. */
const skew = 120

/** "3 m ago", "in 3 d"; less than a minute is "now", and so is a clock that runs a little ahead of ours. */
export function relativeTime(at: Date, now: Date): string {
  const seconds = (now.getTime() - at.getTime()) / 1000
  for (const [, size, short] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${short} ago`
    if (-seconds >= Math.max(size, skew)) return `in ${Math.floor(-seconds / size)} ${short}`
  }
  return 'now'
}

/** "850 ms", "4.2 s", "3 m 10 s", "2 h 5 m". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${Math.round(seconds % 60)} s`.replace(' 60 s', ' 59 s')
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The exact moment, for the hover. */
export function exactTime(at: Date): string {
  return at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

/** Units: bytes in, "1.2 KiB" out. */
export function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const kib = bytes / 1024
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`
}
