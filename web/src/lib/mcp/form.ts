import type { McpServer } from '@helix/contract/mcp-servers'

export interface HeaderFields {
  name: string
  prefix: string
  secret: string
}

export interface ServerFields {
  name: string
  url: string
  headers: HeaderFields[]
  tools: 'all' | 'some'
  allowed: string
  denied: string
  timeLimitSeconds: string
  maxRequestMb: string
  maxAnswerMb: string
}

/** What most servers ask for. */
export const newHeader = (secret = ''): HeaderFields => ({ name: 'Authorization', prefix: 'Bearer ', secret })

export function fieldsOf(server: McpServer | null): ServerFields {
  return {
    name: server?.name ?? '',
    url: server?.url ?? '',
    headers: server?.headers.map((header) => ({ ...header })) ?? [],
    tools: server === null || server.allowedTools === null ? 'all' : 'some',
    allowed: server?.allowedTools?.join('\n') ?? '',
    denied: server?.deniedTools.join('\n') ?? '',
    timeLimitSeconds: String(server?.timeLimitSeconds ?? 120),
    maxRequestMb: String(server?.maxRequestMb ?? 4),
    maxAnswerMb: String(server?.maxAnswerMb ?? 8),
  }
}

const linesOf = (text: string): string[] => [
  ...new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  ),
]

/** What the API takes. */
export function bodyOf(fields: ServerFields) {
  return {
    name: fields.name.trim(),
    url: fields.url.trim(),
    headers: fields.headers.map(({ name, prefix, secret }) => ({ name: name.trim(), prefix, secret })),
    allowedTools: fields.tools === 'all' ? null : linesOf(fields.allowed),
    deniedTools: linesOf(fields.denied),
    timeLimitSeconds: Number(fields.timeLimitSeconds),
    maxRequestMb: Number(fields.maxRequestMb),
    maxAnswerMb: Number(fields.maxAnswerMb),
  }
}

/** The fault of a field that holds a list: of itself, or of the first line that has one. */
export const listError = (errors: Readonly<Record<string, string>>, field: string): string | undefined =>
  errors[field] ?? Object.entries(errors).find(([name]) => name.startsWith(`${field}.`))?.[1]
