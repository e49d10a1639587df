import { type Role, roles } from '@helix/contract/permissions'

/** `group = role`, one a line; `wrong` is the first line that is neither that nor empty. */
export function mappingOf(text: string): { roles: Record<string, Role>; wrong: string | null } {
  const found: Record<string, Role> = {}
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue
    const cut = line.lastIndexOf('=')
    const group = line.slice(0, cut).trim()
    const role = roles.find(
      (one) =>
        one ===
        line
          .slice(cut + 1)
          .trim()
          .toLowerCase(),
    )
    if (cut < 1 || group === '' || role === undefined) return { roles: found, wrong: line }
    found[group] = role
  }
  return { roles: found, wrong: null }
}

export const mappingText = (mapping: Record<string, Role>): string =>
  Object.entries(mapping)
    .map(([group, role]) => `${group} = ${role}`)
    .join('\n')
