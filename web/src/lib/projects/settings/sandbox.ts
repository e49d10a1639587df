import type { BodyOf } from '@helix/contract/endpoint'
import type { Rung } from '@helix/contract/isolation'
import { type MachineSize, namedSizes, type Size } from '@helix/contract/machine'
import type { ProjectSettings, updateProject } from '@helix/contract/projects'
import { labelsOf, labelText } from '#lib/fleet/labels.ts'
import { changeDesktop, pickDesktop } from './desktop.ts'
import { sandboxWords } from './messages.ts'

const mbInGb = 1024

/** As the form holds them: figures as they are typed. */
export function pickSandbox(settings: ProjectSettings) {
  const { cpus, memoryMb, diskMb } = settings.customSize ?? namedSizes.medium
  return {
    size: settings.size,
    cpus: String(cpus),
    memory: String(memoryMb / mbInGb),
    disk: String(diskMb / mbInGb),
    image: settings.image ?? '',
    imageUser: settings.imageLogin?.user ?? '',
    imageSecret: settings.imageLogin?.secret ?? '',
    ...pickDesktop(settings.desktop),
    idleMinutes: String(settings.idleMinutes),
    ttlHours: String(settings.ttlHours),
    hostLabels: labelText(settings.hostLabels),
    minimumRung: (settings.minimumRung ?? 'any') as Rung | 'any',
    egressMode: settings.egressMode,
    egressDomains: settings.egressDomains.join('\n'),
  }
}
export type SandboxValue = ReturnType<typeof pickSandbox>

const toMb = (gb: string): number => Math.round(Number(gb) * mbInGb)

/** What a size is, in a few words. */
export function sizeHint(size: Size): string {
  if (size === 'custom') return sandboxWords.customHint
  return figuresOf(namedSizes[size])
}

const figuresOf = ({ cpus, memoryMb, diskMb }: MachineSize): string => sandboxWords.sizeOf(cpus, memoryMb / mbInGb, diskMb / mbInGb)

/** What the machine of a session is. */
export const machineText = ({ size, ...figures }: MachineSize & { size: Size }): string =>
  `${sandboxWords.sizes[size]}: ${figuresOf(figures)}`

/** Of figures as they are typed. */
export const customSizeOf = ({ cpus, memory, disk }: { cpus: string; memory: string; disk: string }): MachineSize => ({
  cpus: Number(cpus),
  memoryMb: toMb(memory),
  diskMb: toMb(disk),
})

/** None of the two is none; one alone is told to be half. */
function loginOf({ image, imageUser, imageSecret }: SandboxValue): ProjectSettings['imageLogin'] {
  const [user, secret] = [imageUser.trim(), imageSecret.trim()]
  return image.trim() === '' || (user === '' && secret === '') ? null : { user, secret }
}

/** What is asked of the server; figures of a size that has a name are left as they are. */
export function changeSandbox(value: SandboxValue): BodyOf<typeof updateProject> {
  return {
    size: value.size,
    ...(value.size === 'custom' ? { customSize: customSizeOf(value) } : {}),
    image: value.image.trim() === '' ? null : value.image.trim(),
    imageLogin: loginOf(value),
    desktop: changeDesktop(value),
    idleMinutes: Number(value.idleMinutes),
    ttlHours: Number(value.ttlHours),
    hostLabels: labelsOf(value.hostLabels),
    minimumRung: value.minimumRung === 'any' ? null : value.minimumRung,
    egressMode: value.egressMode,
    egressDomains: value.egressDomains
      .split('\n')
      .map((one) => one.trim().toLowerCase())
      .filter((one) => one !== ''),
  }
}
