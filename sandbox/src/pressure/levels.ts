import { type PressureLevel, pressureLevels } from '@helix/contract/pressure'

/** Something of which there is so much on this machine. Units: bytes, of `files` files. */
export interface Gauge {
  what: 'disk' | 'files' | 'memory'
  /** For people: what it is of. */
  of: string
  free: number
  total: number
  /** From here on it is short. */
  reserve: number
}

/** Parts of the reserve under which each level begins. */
const begins: Record<PressureLevel, number> = { refuse: 1, evict: 0.75, suspend: 0.5, largest: 0.25 }
/** A level ends with so much more than it begins with: who stands at the border does not go to and fro. */
const calm = 1.25

/** How many of the levels hold; 0: none. It rises by one at a look, so that what is cheap is tried first. */
export function levelAfter({ free, reserve }: Gauge, before: number): number {
  const under = (factor: number): number => pressureLevels.filter((level) => free < reserve * begins[level] * factor).length
  return under(1) > before ? before + 1 : Math.min(before, under(calm))
}

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`

/** What is left, in words. */
export function leftOf({ what, free, total }: Gauge): string {
  return what === 'files' ? `${Math.floor(free)} of ${total} files` : `${gigabytes(free)} of ${gigabytes(total)}`
}

const doings: Record<PressureLevel, string> = {
  refuse: 'Nothing new is started here.',
  evict: 'Nothing new is started here, and caches are given up.',
  suspend: 'Nothing new is started here, caches are given up and idle sessions are suspended.',
  largest: 'Nothing new is started here, caches are given up, and sessions are suspended: idle ones first, then the largest.',
}

const waysOut: Record<Gauge['what'], string> = {
  disk: 'Free space, for example with "docker system prune", or give it a larger disk.',
  files: 'Remove files, or give it a file system that has room for more.',
  memory: 'Give it fewer or smaller sessions (HELIX_HOST_CAPACITY, HELIX_HOST_MEMORY_FACTOR), or more memory.',
}

/** Why, what is done, and the way out, for people. */
export function reasonFor(gauge: Gauge, level: PressureLevel): string {
  const short: Record<Gauge['what'], string> = {
    disk: `The disk of ${gauge.of} is nearly full`,
    files: `The disk of ${gauge.of} takes few more files`,
    memory: `The memory of ${gauge.of} runs out`,
  }
  return `${short[gauge.what]}: ${leftOf(gauge)} are left. ${doings[level]} ${waysOut[gauge.what]}`
}
