/** What a mocked vendor answers, before it is said in the vendor’s way. */
export interface Script {
  thought: string | null
  text: string | null
  calls: readonly { id: string; name: string; input: Record<string, unknown> }[]
  stop: 'end' | 'length' | 'calls'
  usage: { input: number; cached: number; written: number; output: number; reasoning: number }
  /** Answered instead. */
  failure: { status: number; message: string } | null
  /** Ends the stream in the middle, as a provider that dies. */
  cut: boolean
  /** Waits for ever after the first words. */
  hangs: boolean
}

export const plainScript: Script = {
  thought: null,
  text: 'Grüße, 世界 👋',
  calls: [],
  stop: 'end',
  usage: { input: 120, cached: 40, written: 0, output: 30, reasoning: 0 },
  failure: null,
  cut: false,
  hangs: false,
}

/** What of a request a vendor understood, whatever it calls it. */
export interface Seen {
  system: string[]
  texts: string[]
  /** `data`, `url` of pictures and documents, in messages and in results of tools. */
  images: ('data' | 'url')[]
  documents: ('data' | 'url')[]
  calls: { id: string; name: string; input: unknown }[]
  results: { id: string; text: string; error: boolean; images: number }[]
  tools: string[]
  /** `auto`, `none`, `any`, or a tool’s name. */
  choice: string | null
  parallel: boolean | null
  stop: string[]
  temperature: number | null
  topP: number | null
  seed: number | null
  maxTokens: number | null
  /** `schema`, or `json` for any. */
  format: 'schema' | 'json' | null
  /** In the vendor’s word. */
  thinking: string | null
  cacheHints: number
  /** Signatures of thoughts or calls that came back. */
  signatures: string[]
}

/** What was asked over the wire: kept for tests to look at. */
export interface Request {
  path: string
  headers: Record<string, string | string[] | undefined>
  body: Record<string, unknown>
}

/** One vendor’s interface: checks a request against its published description, reads it, and answers as it does. */
export interface Vendor {
  /** Throws a sentence where the request breaks the description. */
  check(request: Request): void
  seen(body: Record<string, unknown>): Seen
  /** Frames of a stream, in order. */
  frames(script: Script, request: Request): (string | Buffer)[]
  body(script: Script, request: Request): object
  failure(failure: NonNullable<Script['failure']>): object
  contentType: string
}

export const nothingSeen = (): Seen => ({
  ...{ system: [], texts: [], images: [], documents: [], calls: [], results: [], tools: [], choice: null, parallel: null, stop: [] },
  ...{ temperature: null, topP: null, seed: null, maxTokens: null, format: null, thinking: null, cacheHints: 0, signatures: [] },
})

/** Words in pieces that cut characters of several units apart nowhere, and of several bytes everywhere. */
export function pieces(text: string): string[] {
  return [...text].reduce<string[]>((sum, character, index) => {
    if (index % 3 === 0) sum.push(character)
    else sum[sum.length - 1] += character
    return sum
  }, [])
}

export const sse = (data: object, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`

/** Every hint for a cache in a body, wherever it stands. */
export function countKeys(value: unknown, key: string): number {
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce((sum, [name, item]) => sum + (name === key ? 1 : 0) + countKeys(item, key), 0)
}

export function fail(what: string): never {
  throw new Error(what)
}
