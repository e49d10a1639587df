import { type DesktopRules, plainDesktop } from '@helix/contract/desktop'
import { type Machine, type MachineSize, type Size, sizeOf } from '@helix/contract/machine'
import type { SessionRow } from './store.ts'

interface TimesRow {
  idle_minutes: number
  ttl_hours: number
}

interface MachineRow extends TimesRow {
  size: Size
  custom_size: MachineSize | null
  image: string | null
  desktop: DesktopRules | null
}

/** When a session of the project is suspended and when it ends. A life that has not begun begins now. */
export function timesOf({ idle_minutes, ttl_hours }: TimesRow, begun: Date | null): { idleMs: number; endsAt: string | null } {
  const ends = (begun ?? new Date()).getTime() + ttl_hours * 3_600_000
  return { idleMs: idle_minutes * 60_000, endsAt: ttl_hours === 0 ? null : new Date(ends).toISOString() }
}

/** The project's machine with the size that the session has of its own. */
export const ownMachine = <P extends MachineRow>(project: P, { size, custom_size }: Pick<SessionRow, 'size' | 'custom_size'>): P =>
  size === null ? project : { ...project, size, custom_size }

/** The machine that a start of a session of the project gets. */
export function machineOf(project: MachineRow, begun: Date | null): Machine {
  const { cpus, memoryMb, diskMb } = sizeOf(project.size, project.custom_size)
  const { idleMs, endsAt } = timesOf(project, begun)
  const { image, desktop } = project
  return {
    cpus,
    memoryBytes: memoryMb * 1024 ** 2,
    diskBytes: diskMb * 1024 ** 2,
    image,
    idleMs,
    ttlAt: endsAt,
    desktop: desktop ?? plainDesktop,
  }
}

/** Units: milliseconds until the session may be suspended, as far as people's use of its machine goes; 0: now. */
export function idleLeftMs({ idle_minutes }: Pick<TimesRow, 'idle_minutes'>, used: Date | null): number {
  return used === null ? 0 : Math.max(0, used.getTime() + idle_minutes * 60_000 - Date.now())
}
