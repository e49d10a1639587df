import { z } from 'zod'

/** What hosts are told apart by, like gpu, arch or rack. */
const name = z.string().regex(/^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/, 'use up to 63 of a-z, 0-9, dots, slashes and dashes')
const value = z.string().regex(/^[\w.-]{1,63}$/, 'use 1 to 63 letters, digits, dots, underscores and dashes')

export const hostLabels = z.record(name, value).refine((labels) => Object.keys(labels).length <= 20, 'use at most 20 labels')
export type HostLabels = z.infer<typeof hostLabels>
