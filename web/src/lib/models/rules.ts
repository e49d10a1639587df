import type { ResponseOf } from '@helix/contract/endpoint'
import type { chooseRules, getModelRules, getProjectModelRules } from '@helix/contract/models'

export type OrganisationRules = ResponseOf<typeof getModelRules>
export type ProjectRules = ResponseOf<typeof getProjectModelRules>
export type Choice = (typeof chooseRules)[number]

export const linesOf = (text: string): string[] => [
  ...new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  ),
]
/** An empty field stands for all. */
export const listOf = (text: string): string[] | null => {
  const lines = linesOf(text)
  return lines.length === 0 ? null : lines
}

export const headersText = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')

/** Headers as they are typed, or the first line that is none. Lines count from 1. */
export function headersOf(text: string): { headers: Record<string, string> } | { line: number } {
  const headers: Record<string, string> = {}
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const match = /^\s*([^\s:]+)\s*:\s*(\S.*)$/.exec(line)
    if (match?.[1] === undefined || match[2] === undefined) return { line: index + 1 }
    headers[match[1]] = match[2].trim()
  }
  return { headers }
}
