import { z } from 'zod'

/**
 * How well a session is kept apart from its host, weakest first, see docs/operations.md. `capabilities`: for development, root inside is root of the host. `plain`: a
 * container without rights. `userns`: root inside is nobody outside, in one range of users for all sessions. `sysbox`: likewise, in a range of its own.
 * `gvisor`: a kernel of its own in between. `kata`: a virtual machine of its own.
 */
export const rungs = ['capabilities', 'plain', 'userns', 'sysbox', 'gvisor', 'kata'] as const
export const rung = z.enum(rungs)
export type Rung = z.infer<typeof rung>

/** Whether what a host gives is enough. What is not known is not. */
export const atLeast = (given: string, wanted: Rung): boolean => rungs.indexOf(given as Rung) >= rungs.indexOf(wanted)
