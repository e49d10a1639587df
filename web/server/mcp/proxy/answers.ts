import { allows, type ToolPolicy } from '../policy.ts'
import { parseExactly } from './exact-json.ts'
import type { RpcId } from './fault.ts'

type Fields = Record<string, unknown>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

export interface ReadAnswer {
  /** What the agent gets instead; null: it is passed on as it is. */
  changed: string | null
  answered: { id: RpcId; failed: boolean }[]
}

/** Takes the tools that the policy does not allow out of a list of tools. Answers whether there were any. */
function filterTools(message: Fields, policy: ToolPolicy): boolean {
  const { result } = message
  if (!isObject(result) || !Array.isArray(result.tools)) return false
  const kept = result.tools.filter((tool) => isObject(tool) && typeof tool.name === 'string' && allows(policy, tool.name))
  const fewer = kept.length < result.tools.length
  result.tools = kept
  return fewer
}

const failedOf = ({ error, result }: Fields): boolean => error !== undefined || (isObject(result) && result.isError === true)

/** Reads one or several messages of a server. What is no JSON is none of ours, and passed on. */
export function readAnswer(text: string, policy: ToolPolicy): ReadAnswer {
  let value: unknown
  try {
    value = parseExactly(text)
  } catch {
    return { changed: null, answered: [] }
  }
  const messages = (Array.isArray(value) ? value : [value]).filter(isObject)
  const answered: ReadAnswer['answered'] = []
  let changed = false
  for (const message of messages) {
    if (filterTools(message, policy)) changed = true
    const { id, method } = message
    if (method === undefined && (typeof id === 'string' || typeof id === 'number')) answered.push({ id, failed: failedOf(message) })
  }
  return { changed: changed ? JSON.stringify(value) : null, answered }
}
