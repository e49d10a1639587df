export interface QuietHours {
  /** Units: minutes of the day; `from` later than `to` goes over midnight. */
  from: number
  to: number
}

interface Wall {
  year: number
  month: number
  day: number
  minutes: number
}

/** What the clock on this person's wall shows. */
function wallOf(at: Date, timeZone: string): Wall {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts
  return { year, month, day, minutes: hour * 60 + minute }
}

const asUtc = ({ year, month, day, minutes }: Wall): number => Date.UTC(year, month - 1, day, 0, minutes)
/** Units: milliseconds east of UTC. */
const offsetAt = (at: number, timeZone: string): number => asUtc(wallOf(new Date(at), timeZone)) - Math.floor(at / 60_000) * 60_000

/**
 * The next moment after `now` at which the wall shows this. An hour that comes twice in autumn: the first of the two that is still to come; one
 * that is left out in spring: as far behind the change as it would have been.
 */
function nextMoment(wall: Wall, timeZone: string, now: Date): Date {
  const wanted = asUtc(wall)
  const day = 86_400_000
  const offsets = [offsetAt(wanted - day, timeZone), offsetAt(wanted + day, timeZone)]
  const moments = offsets.map((offset) => wanted - offset).filter((at) => asUtc(wallOf(new Date(at), timeZone)) === wanted)
  const next = moments.filter((at) => at > now.getTime()).sort((a, b) => a - b)[0]
  return new Date(next ?? wanted - (offsets[0] ?? 0))
}

/** When the person's quiet hours end; null while they are not quiet. */
export function quietUntil(now: Date, hours: QuietHours | null, timeZone: string): Date | null {
  if (hours === null) return null
  const { from, to } = hours
  const wall = wallOf(now, timeZone)
  const { minutes } = wall
  const quiet = from < to ? minutes >= from && minutes < to : minutes >= from || minutes < to
  if (!quiet) return null
  const tomorrow = from > to && minutes >= from ? 1 : 0
  const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day + tomorrow))
  const end = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), minutes: to }
  return nextMoment(end, timeZone, now)
}
