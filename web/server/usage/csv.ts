import type { UsageRow } from '@helix/contract/usage'

const columns = ['name', 'id', 'calls', 'failed', 'input_tokens', 'cached_tokens', 'output_tokens', 'reasoning_tokens', 'usd', 'estimated']

/** A cell that a spreadsheet would take for a formula is made text. */
const cell = (value: string): string => `"${value.replace(/^([=+\-@\t\r])/, "'$1").replaceAll('"', '""')}"`

const lineOf = (row: UsageRow): string =>
  [
    ...[cell(row.name), cell(row.key ?? ''), row.calls, row.failed, row.inputTokens, row.cachedTokens, row.outputTokens],
    ...[row.reasoningTokens, (row.microUsd / 1_000_000).toFixed(6), row.estimated],
  ].join(',')

/** With a line of heads; money in dollars. */
export const csvOf = (rows: readonly UsageRow[]): string => `${[columns.join(','), ...rows.map(lineOf)].join('\r\n')}\r\n`
