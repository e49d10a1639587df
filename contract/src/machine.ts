import { z } from 'zod'
import { desktopRules, plainDesktop } from './desktop.ts'
import { secretName } from './secrets.ts'
import { timestamp } from './text.ts'

/** How large the machine of a session is. */
export const sizes = ['small', 'medium', 'large', 'custom'] as const
export type Size = (typeof sizes)[number]

const cpusRule = 'use 0.5 to 64 processors, in tenths'
const memoryRule = 'use 512 to 524288 MB, which is 0.5 to 512 GB'
const diskRule = 'use 1024 to 4194304 MB, which is 1 GB to 4 TB'
const idleRule = 'use 0 to 10080 minutes; 0: never'
const ttlRule = 'use 0 to 8760 hours; 0: never'

export const customSize = z.object({
  cpus: z.number(cpusRule).min(0.5, cpusRule).max(64, cpusRule).multipleOf(0.1, cpusRule),
  memoryMb: z.number(memoryRule).int(memoryRule).min(512, memoryRule).max(524_288, memoryRule),
  diskMb: z.number(diskRule).int(diskRule).min(1024, diskRule).max(4_194_304, diskRule),
})
export type MachineSize = z.infer<typeof customSize>

/** What the sizes with a name are. */
export const namedSizes: Readonly<Record<Exclude<Size, 'custom'>, MachineSize>> = {
  small: { cpus: 1, memoryMb: 2048, diskMb: 10_240 },
  medium: { cpus: 2, memoryMb: 4096, diskMb: 20_480 },
  large: { cpus: 4, memoryMb: 8192, diskMb: 40_960 },
}

/** `custom` without figures is `medium`. */
export const sizeOf = (size: Size, custom: MachineSize | null): MachineSize =>
  size === 'custom' ? (custom ?? namedSizes.medium) : namedSizes[size]

/** A name as `docker pull` takes it, with a registry, a tag and a digest where wanted. */
export const imageName = z
  .string()
  .max(300, 'use at most 300 characters')
  .regex(
    /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:\d+)?(\/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*(:\w[\w.-]{0,127})?(@sha256:[a-f0-9]{64})?$/i,
    'an image name like node:24 or registry.example.com/team/image:tag',
  )

/** As whom a registry is asked, and the secret that holds the password or token. */
export const imageLogin = z.object({
  user: z
    .string()
    .trim()
    .min(1, 'say who signs in')
    .max(200, 'use at most 200 characters')
    .regex(/^[^\s:\p{Cc}]+$/u, 'a user name without spaces and colons'),
  secret: secretName,
})

/** Settings of a project for the machines of its sessions. Each counts from the next start of a session, the times from its next turn. */
export const machineRules = z.object({
  size: z.enum(sizes),
  /** For `custom`. */
  customSize: customSize.nullable(),
  /** What sessions are started from; null: the installation's own image. */
  image: imageName.nullable(),
  /** Null: its registry shows the image to everybody. */
  imageLogin: imageLogin.nullable(),
  /** Units: minutes without a turn until the machine is suspended; 0: never. */
  idleMinutes: z.number(idleRule).int(idleRule).min(0, idleRule).max(10_080, idleRule),
  /** Units: hours after its first start until the session ends, with all that it did not push; 0: never. */
  ttlHours: z.number(ttlRule).int(ttlRule).min(0, ttlRule).max(8760, ttlRule),
  desktop: desktopRules,
})
export type MachineRules = z.infer<typeof machineRules>

/** What one start of a session gets. Hosts that do not know a field leave it out of account. */
export const machine = z.object({
  cpus: z.number().positive().default(namedSizes.medium.cpus),
  memoryBytes: z
    .number()
    .int()
    .default(namedSizes.medium.memoryMb * 1024 ** 2),
  diskBytes: z
    .number()
    .int()
    .default(namedSizes.medium.diskMb * 1024 ** 2),
  image: z.string().nullable().default(null),
  /** Units: milliseconds; 0: never suspended. */
  idleMs: z.number().int().default(600_000),
  /** When the session ends; null: not by time. */
  ttlAt: timestamp.nullable().default(null),
  desktop: desktopRules.default(plainDesktop),
})
export type Machine = z.infer<typeof machine>
