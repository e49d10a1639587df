import { z } from 'zod'

/**
 * What a session may reach. `open`: the internet. `listed`: the named domains, through the host's proxy. `closed`: nothing. The control plane always; addresses
 * of private networks, of the machine, of other sessions and of cloud metadata never, unless the host's operator opened them.
 */
export const egressModes = ['open', 'listed', 'closed'] as const
export type EgressMode = (typeof egressModes)[number]

/** `example.com`: that host. `*.example.com`: every host below it, not itself. `example.com:8443`: on that port instead of 80 and 443. */
export const domainRule = z
  .string()
  .max(259)
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](:[1-9]\d{0,4})?$/,
    'a domain like example.com, *.example.com or example.com:8443',
  )

export const egressPolicy = z.object({
  mode: z.enum(egressModes),
  /** For `listed`. */
  domains: z.array(domainRule).max(200),
})
export type EgressPolicy = z.infer<typeof egressPolicy>
