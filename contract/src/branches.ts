import { line } from './text.ts'

/** A name or a glob over names of branches: `*` stands for any characters, `/` too, and `?` for one. The git hook's shell reads it the same way. */
export const branchPattern = line(200).regex(/^[A-Za-z0-9._/*?-]+$/, 'may have letters, digits, . _ / - and the wildcards * and ?')

const escaped = (text: string): string => text.replace(/[.\\+^$()[\]{}|]/g, '\\$&')

export function branchMatches(pattern: string, branch: string): boolean {
  return new RegExp(`^${escaped(pattern).replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(branch)
}

/** The first pattern that covers the branch; null: none protects it. */
export function protectedBy(patterns: readonly string[], branch: string): string | null {
  return patterns.find((pattern) => branchMatches(pattern, branch)) ?? null
}
