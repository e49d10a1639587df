import type { ModelPrice } from '@helix/contract/providers'

export interface ListedModel {
  price: ModelPrice
  maxOutputTokens: number | null
}

/** As read on `pricesReadOn`. Units of the table: dollars for a million tokens, tokens. `long`: above so many tokens of input, then input, output, cached input. */
interface Row {
  names: string
  input: number
  output: number
  cached?: number
  write?: number
  long?: [above: number, input: number, output: number, cached?: number]
  most?: number
}

const k = 1000
const table: readonly Row[] = [
  { names: 'claude-fable-5 claude-mythos-5', input: 10, output: 50, cached: 1, write: 12.5, most: 128 * k },
  { names: 'claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6', input: 5, output: 25, cached: 0.5, write: 6.25, most: 128 * k },
  { names: 'claude-opus-4-5', input: 5, output: 25, cached: 0.5, write: 6.25, most: 64 * k },
  { names: 'claude-opus-4-1 claude-opus-4 claude-4-opus claude-opus-4-0', input: 15, output: 75, cached: 1.5, write: 18.75, most: 32 * k },
  { names: 'claude-sonnet-5', input: 2, output: 10, cached: 0.2, write: 2.5, most: 128 * k },
  { names: 'claude-sonnet-4-6', input: 3, output: 15, cached: 0.3, write: 3.75, most: 64 * k },
  {
    ...{ names: 'claude-sonnet-4-5 claude-sonnet-4 claude-4-sonnet claude-sonnet-4-0', input: 3, output: 15, cached: 0.3, write: 3.75 },
    ...{ long: [200 * k, 6, 22.5, 0.6], most: 64 * k },
  },
  { names: 'claude-3-7-sonnet', input: 3, output: 15, cached: 0.3, write: 3.75, most: 64 * k },
  { names: 'claude-haiku-4-5', input: 1, output: 5, cached: 0.1, write: 1.25, most: 64 * k },
  { names: 'claude-3-5-haiku', input: 0.8, output: 4, cached: 0.08, write: 1, most: 8192 },
  { names: 'claude-3-haiku', input: 0.25, output: 1.25, cached: 0.03, write: 0.3, most: 4096 },
  { names: 'gpt-5.6 gpt-5.6-sol', input: 5, output: 30, cached: 0.5, write: 6.25, long: [272 * k, 10, 45, 1], most: 128 * k },
  { names: 'gpt-5.6-terra', input: 2.5, output: 15, cached: 0.25, write: 3.125, long: [272 * k, 5, 22.5, 0.5], most: 128 * k },
  { names: 'gpt-5.6-luna', input: 1, output: 6, cached: 0.1, write: 1.25, long: [272 * k, 2, 9, 0.2], most: 128 * k },
  { names: 'gpt-5.5', input: 5, output: 30, cached: 0.5, long: [272 * k, 10, 45, 1], most: 128 * k },
  { names: 'gpt-5.5-pro gpt-5.4-pro', input: 30, output: 180, cached: 3, long: [272 * k, 60, 270, 6], most: 128 * k },
  { names: 'gpt-5.4', input: 2.5, output: 15, cached: 0.25, long: [272 * k, 5, 22.5, 0.5], most: 128 * k },
  { names: 'gpt-5.4-mini', input: 0.75, output: 4.5, cached: 0.075, most: 128 * k },
  { names: 'gpt-5.4-nano', input: 0.2, output: 1.25, cached: 0.02, most: 128 * k },
  { names: 'gpt-5.3-codex gpt-5.2 gpt-5.2-codex', input: 1.75, output: 14, cached: 0.175, most: 128 * k },
  { names: 'gpt-5.2-pro', input: 21, output: 168, most: 128 * k },
  { names: 'gpt-5.1 gpt-5.1-codex gpt-5.1-codex-max gpt-5 gpt-5-codex', input: 1.25, output: 10, cached: 0.125, most: 128 * k },
  { names: 'gpt-5-mini gpt-5.1-codex-mini', input: 0.25, output: 2, cached: 0.025, most: 128 * k },
  { names: 'gpt-5-nano', input: 0.05, output: 0.4, cached: 0.005, most: 128 * k },
  { names: 'gpt-5-pro', input: 15, output: 120, most: 128 * k },
  { names: 'gpt-4.1', input: 2, output: 8, cached: 0.5, most: 32_768 },
  { names: 'gpt-4.1-mini', input: 0.4, output: 1.6, cached: 0.1, most: 32_768 },
  { names: 'gpt-4.1-nano', input: 0.1, output: 0.4, cached: 0.025, most: 32_768 },
  { names: 'gpt-4o', input: 2.5, output: 10, cached: 1.25, most: 16_384 },
  { names: 'gpt-4o-mini', input: 0.15, output: 0.6, cached: 0.075, most: 16_384 },
  { names: 'o3', input: 2, output: 8, cached: 0.5, most: 100 * k },
  { names: 'o3-pro', input: 20, output: 80, most: 100 * k },
  { names: 'o3-mini', input: 1.1, output: 4.4, cached: 0.55, most: 100 * k },
  { names: 'o4-mini', input: 1.1, output: 4.4, cached: 0.275, most: 100 * k },
  { names: 'o1', input: 15, output: 60, cached: 7.5, most: 100 * k },
  { names: 'gemini-3.1-pro-preview gemini-3-pro-preview', input: 2, output: 12, cached: 0.2, long: [200 * k, 4, 18, 0.4], most: 65_536 },
  { names: 'gemini-3.6-flash', input: 1.5, output: 7.5, cached: 0.15, most: 65_536 },
  { names: 'gemini-3.5-flash', input: 1.5, output: 9, cached: 0.15, most: 65_536 },
  { names: 'gemini-3.5-flash-lite gemini-2.5-flash', input: 0.3, output: 2.5, cached: 0.03, most: 65_536 },
  { names: 'gemini-3-flash-preview gemini-3-flash', input: 0.5, output: 3, cached: 0.05, most: 65_536 },
  { names: 'gemini-3.1-flash-lite gemini-3.1-flash-lite-preview', input: 0.25, output: 1.5, cached: 0.025, most: 65_536 },
  { names: 'gemini-2.5-pro', input: 1.25, output: 10, cached: 0.125, long: [200 * k, 2.5, 15, 0.25], most: 65_536 },
  { names: 'gemini-2.5-flash-lite', input: 0.1, output: 0.4, cached: 0.01, most: 65_536 },
  { names: 'gemini-embedding-001', input: 0.15, output: 0 },
  { names: 'text-embedding-3-small', input: 0.02, output: 0 },
  { names: 'text-embedding-3-large', input: 0.13, output: 0 },
  { names: 'text-embedding-ada-002', input: 0.1, output: 0 },
]

const micro = (dollars: number): number => Math.round(dollars * 1_000_000)
const microOrNull = (dollars: number | undefined): number | null => (dollars === undefined ? null : micro(dollars))

function listedOf({ input, output, cached, write, long, most }: Row): ListedModel {
  const [aboveTokens = 0, longInput = 0, longOutput = 0, longCached] = long ?? []
  return {
    price: {
      input: micro(input),
      output: micro(output),
      cachedInput: microOrNull(cached),
      cacheWrite: microOrNull(write),
      long:
        long === undefined
          ? null
          : {
              ...{ aboveTokens, input: micro(longInput), output: micro(longOutput), cachedInput: microOrNull(longCached) },
              // Writing to the cache costs a quarter more than input where it costs anything of its own.
              cacheWrite: write === undefined ? null : micro(longInput * 1.25),
            },
    },
    maxOutputTokens: most ?? null,
  }
}

const listed = new Map(table.flatMap((row) => row.names.split(' ').map((name): [string, ListedModel] => [name, listedOf(row)])))

/** The name that the list has a model under: without a route, a date, a version, or a cloud’s own prefix. */
export function listName(model: string): string {
  const bare = model
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/^((us|eu|apac|jp|au|global|us-gov)\.)?(anthropic|openai|google)\./, '')
    .replace(/[@:].*$/, '')
    .replace(/-v\d+$/, '')
    .replace(/-(20\d{6}|20\d\d-\d\d-\d\d|latest)$/, '')
  return bare.startsWith('claude') ? bare.replaceAll('.', '-') : bare
}

/** What the vendors’ lists say of a model; null: it is on none. */
export const listedModel = (model: string): ListedModel | null => listed.get(listName(model)) ?? null

/** Models that stand for an alias, the best first. */
export const standardChoices: Readonly<Record<'fast' | 'smart', readonly string[]>> = {
  smart: [
    ...['claude-opus-5', 'claude-opus-4-8', 'claude-opus-4-7', 'claude-opus-4-6', 'claude-opus-4-5', 'gpt-5.6', 'gpt-5.5', 'gpt-5.4'],
    ...['gemini-3.1-pro-preview', 'claude-sonnet-5', 'claude-sonnet-4-6', 'claude-sonnet-4-5', 'gpt-5.2', 'gpt-5.1', 'gpt-5'],
    ...['gemini-3-pro-preview', 'gemini-2.5-pro'],
  ],
  fast: [
    ...['claude-haiku-4-5', 'gpt-5.6-luna', 'gpt-5.4-mini', 'gpt-5-mini', 'gemini-3.6-flash', 'gemini-3.5-flash', 'gemini-3-flash-preview'],
    ...['gemini-2.5-flash', 'gpt-4.1-mini', 'gpt-4o-mini'],
  ],
}
