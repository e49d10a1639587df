import { Transform, type TransformCallback } from 'node:stream'
import { wellFormed } from '@helix/contract/text'
import type { Knex } from 'knex'
import type { ProviderDialect } from './providers.ts'

/** Units: bytes. A longer line of a stream is passed on but not read for usage. */
const longestLine = 1024 * 1024

export interface Usage {
  inputTokens: number | null
  outputTokens: number | null
}

interface AnyUsage {
  usage?: { prompt_tokens?: number; completion_tokens?: number; input_tokens?: number; output_tokens?: number }
  message?: AnyUsage
  type?: string
}

/** Takes what a chunk or a whole answer says of usage, in either dialect. */
export function readUsage(body: AnyUsage, into: Usage): void {
  const usage = body.usage ?? body.message?.usage
  if (usage === undefined || usage === null) return
  into.inputTokens = usage.prompt_tokens ?? usage.input_tokens ?? into.inputTokens
  into.outputTokens = usage.completion_tokens ?? usage.output_tokens ?? into.outputTokens
}

/** Passes a stream of server-sent events on byte for byte, and learns from it usage and whether it came to its end. */
export class UsageTap extends Transform {
  readonly usage: Usage = { inputTokens: null, outputTokens: null }
  complete = false
  private rest = ''
  private readonly dialect: ProviderDialect

  constructor(dialect: ProviderDialect) {
    super()
    this.dialect = dialect
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const lines = (this.rest + chunk.toString('latin1')).split('\n')
    this.rest = lines.pop() ?? ''
    if (this.rest.length > longestLine) this.rest = ''
    for (const line of lines) this.learn(line)
    done(null, chunk)
  }

  private learn(line: string): void {
    if (!line.startsWith('data:')) return
    const data = line.slice(5).trim()
    if (data === '[DONE]' || (this.dialect === 'anthropic' && data.includes('"message_stop"'))) this.complete = true
    if (!data.includes('"usage"')) return
    try {
      readUsage(JSON.parse(data) as AnyUsage, this.usage)
    } catch (error) {
      // Usage of a line that is no JSON is unknown; the client sees the same line.
      if (!(error instanceof SyntaxError)) throw error
    }
  }
}

export interface UsageRow {
  orgId: string
  sessionId: string | null
  taskId: string | null
  userId: string | null
  provider: string
  model: string
  dialect: ProviderDialect
  usage: Usage
  status: number
  durationMs: number
}

/** One row for each call, failures too. */
export async function recordUsage(db: Knex, row: UsageRow): Promise<void> {
  await db('usage').insert({
    org_id: row.orgId,
    session_id: row.sessionId,
    task_id: row.taskId,
    user_id: row.userId,
    provider: row.provider,
    model: wellFormed(row.model).slice(0, 200),
    dialect: row.dialect,
    input_tokens: row.usage.inputTokens,
    output_tokens: row.usage.outputTokens,
    status: row.status,
    duration_ms: Math.round(row.durationMs),
  })
}
