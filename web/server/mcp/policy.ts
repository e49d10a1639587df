export interface ToolPolicy {
  /** Null: all that are not denied. */
  allowedTools: readonly string[] | null
  deniedTools: readonly string[]
}

/** `*` stands for anything. In steps of the two lengths at most: a pattern of stars costs no more than another. */
export function matches(pattern: string, name: string): boolean {
  let [at, place, star, retry] = [0, 0, -1, 0]
  while (at < name.length) {
    if (pattern[place] === '*') {
      star = place++
      retry = at
    } else if (pattern[place] === name[at]) {
      place++
      at++
    } else if (star >= 0) {
      place = star + 1
      at = ++retry
    } else return false
  }
  while (pattern[place] === '*') place++
  return place === pattern.length
}

/** What is denied is denied, whatever is allowed. */
export function allows({ allowedTools, deniedTools }: ToolPolicy, tool: string): boolean {
  const named = (patterns: readonly string[]): boolean => patterns.some((pattern) => matches(pattern, tool))
  return !named(deniedTools) && (allowedTools === null || named(allowedTools))
}
