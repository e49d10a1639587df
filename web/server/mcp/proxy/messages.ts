import { parseExactly } from './exact-json.ts'
import { codes, invalid, type RpcId } from './fault.ts'

/** One JSON-RPC message of an agent, as it is passed on. */
export interface Message {
  /** Undefined: it waits for no answer. */
  id: RpcId | undefined
  /** Null: it answers a question of the server. */
  method: string | null
  /** Of `tools/call`. */
  tool: string | null
  value: Record<string, unknown>
}

const mostMessages = 50
const longestMethod = 200
const longestTool = 256

type Fields = Record<string, unknown>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Some servers read fields by names in any case, and take the first or the last of two: what they might read otherwise than this process does is not passed on.
 */
function refuseLookalikes(value: Fields, names: readonly string[]): void {
  const odd = Object.keys(value).find((key) => !names.includes(key) && names.includes(key.toLowerCase()))
  if (odd !== undefined) throw invalid(`The field ${odd.slice(0, 40)} must be written ${odd.toLowerCase()}.`)
}

function toolOf(params: unknown): string {
  if (!isObject(params) || typeof params.name !== 'string') throw invalid('tools/call needs params.name, the name of the tool.')
  refuseLookalikes(params, ['name', 'arguments'])
  if (params.name.length > longestTool) throw invalid(`The name of the tool is longer than ${longestTool} characters.`)
  return params.name
}

const envelope = ['jsonrpc', 'id', 'method', 'params', 'result', 'error']

function messageOf(value: unknown): Message {
  if (!isObject(value) || value.jsonrpc !== '2.0') throw invalid('Each message must be a JSON-RPC 2.0 object.')
  refuseLookalikes(value, envelope)
  const { id, method } = value
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number')
    throw invalid('The id of a message must be a string or a number that can be told from others.')
  if (method === undefined) {
    if (!('result' in value) && !('error' in value)) throw invalid('A message needs a method, a result or an error.')
    return { id: undefined, method: null, tool: null, value }
  }
  if (typeof method !== 'string' || method.length > longestMethod) throw invalid('The method of a message must be a short string.')
  return { id: id as RpcId | undefined, method, tool: method === 'tools/call' ? toolOf(value.params) : null, value }
}

export interface Messages {
  all: Message[]
  /** They came as an array, which older versions of the protocol have. */
  batch: boolean
  /** To be passed on: written anew, so that the server reads what was looked at. */
  body: Buffer
}

/** Throws what is wrong with a body. */
export function readMessages(body: Buffer): Messages {
  let value: unknown
  try {
    value = parseExactly(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw invalid('The body is not valid JSON.', codes.parse)
  }
  const batch = Array.isArray(value)
  const values: unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0 || values.length > mostMessages) throw invalid(`Send 1 to ${mostMessages} messages at once.`)
  return { all: values.map(messageOf), batch, body: Buffer.from(JSON.stringify(value)) }
}
