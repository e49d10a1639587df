import { HelixError } from '@helix/contract/errors'
import type { z } from 'zod'

export function refuse(field: string, why: string): never {
  throw new HelixError('invalid_request', `${field}: ${why}`, { fields: { [field]: why } })
}

/** `messages[3].content`: as clients write it. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (said, key) => (typeof key === 'number' ? `${said}[${key}]` : said === '' ? String(key) : `${said}.${String(key)}`),
    '',
  )
}

/** Of a union, the branch that came furthest says most. */
function deepest(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const [best] = issue.errors
    .map((branch) => branch[0])
    .filter((first) => first !== undefined)
    .map(deepest)
    .sort((a, b) => b.path.length - a.path.length)
  return best === undefined ? issue : { path: [...issue.path, ...best.path], message: best.message }
}

/** Throws `invalid_request` naming the first field that is not as the dialect says. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  const { path, message } = first === undefined ? { path: [], message: 'is not valid' } : deepest(first)
  return refuse(pathOf(path) || 'body', message)
}

/** Without what is undefined or null, for fields that may be left out but not be undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
