const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** Parses JSON so that it is written again with the same numbers: those that JavaScript would round stay as they were written. */
export function parseExactly(text: string): unknown {
  const keep = (_key: string, value: unknown, context: { source?: string } | undefined): unknown =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source ? rawJSON(context.source) : value
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown)
}
