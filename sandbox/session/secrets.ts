import type { SessionSecret } from '@helix/contract/link'

/** The secrets that an exposure gives, as variables; the start-up script gets all. */
export function environmentOf(secrets: readonly SessionSecret[], exposure?: SessionSecret['exposure']): Record<string, string> {
  const given = secrets.filter((secret) => exposure === undefined || secret.exposure === exposure)
  return Object.fromEntries(given.map(({ name, value }) => [name, value]))
}
