/** What a test wants to ask, before an SDK says it in its dialect. */
export interface Wanted {
  system?: string
  text: string
  image?: { url: string }
  document?: { base64: string; name: string }
  tools?: readonly { name: string; description: string; schema: Record<string, unknown> }[]
  /** `any`, `none`, or a tool’s name. */
  choice?: string
  parallel?: boolean
  /** A call that was made and answered before; the text stands before it. */
  rounds?: readonly Round[]
  stop?: string[]
  temperature?: number
  topP?: number
  seed?: number
  maxTokens?: number
  schema?: Record<string, unknown>
  effort?: 'low' | 'high'
  cache?: boolean
}

export interface Round {
  /** The assistant’s turn as the SDK gave it, in the dialect’s own shape; it goes back as it is. */
  turn: unknown
  results: readonly { id: string; name: string; text: string; error?: boolean; imageBase64?: string }[]
}

/** What an SDK made of the answer. */
export interface Got {
  text: string
  thought: string
  calls: { id: string; name: string; input: unknown }[]
  /** `stop`, `length`, `calls`. */
  reason: string
  usage: { input: number; cached: number; output: number; reasoning: number | null }
  /** To be handed back as a `Round`’s turn. */
  turn: unknown
  /** How many pieces it came in. */
  pieces: number
}

/** An SDK as a client of one dialect. Throws the SDK’s own errors. */
export interface Client {
  name: string
  ask(wanted: Wanted, streamed: boolean, signal?: AbortSignal): Promise<Got>
}

/** Of the SDK’s error: its HTTP status and words. */
export interface Refused {
  status: number
  message: string
}

export function refusedOf(error: unknown): Refused {
  const { status, statusCode, code, message } = error as { status?: unknown; statusCode?: unknown; code?: unknown; message?: unknown }
  const known = [status, statusCode, code].find((value) => typeof value === 'number')
  return { status: typeof known === 'number' ? known : 0, message: String(message) }
}
