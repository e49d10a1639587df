import { HelixError } from '@helix/contract/errors'
import { type ConfigProblem, longestConfig, type ProjectConfig, projectConfig } from '@helix/contract/project-config'
import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { nearest } from './nearest.ts'

type Path = readonly PropertyKey[]

export interface ParsedConfig {
  config: ProjectConfig
  /** A fault of what the file says, at its place. */
  problem(path: Path, message: string): ConfigProblem
}

const nameOf = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )

/** Refuses a file with every fault that was found in it. */
export function refuse(problems: ConfigProblem[]): never {
  const [first] = problems
  const where = first?.line == null ? '' : `, line ${first.line}`
  const what = [first?.path, first?.message].filter((text) => text).join(': ')
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  throw new HelixError('invalid_request', `helix.yaml${where}: ${what}${more}`, { problems, fields: { yaml: what } })
}

/** Reads a helix.yaml; throws `invalid_request` with all its faults. Aliases are refused: a few bytes of them unfold to gigabytes. */
export function parseConfig(text: string): ParsedConfig {
  if (text.length > longestConfig) refuse([{ path: '', line: null, column: null, message: `longer than ${longestConfig} characters` }])
  const lines = new LineCounter()
  const document = parseSafely(text, lines)
  const at = (node: { range?: readonly number[] | null | undefined } | null | undefined) => {
    const place = node?.range == null ? null : lines.linePos(node.range[0] ?? 0)
    return { line: place?.line ?? null, column: place?.col ?? null }
  }
  const problem = (path: Path, message: string): ConfigProblem => ({ path: nameOf(path), message, ...at(nodeAt(document.contents, path)) })
  const faults = document.errors.map(({ message, pos }) => ({
    path: '',
    message: message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'not YAML',
    ...at({ range: pos }),
  }))
  visit(document, {
    Alias: (_, node) => void faults.push({ path: '', message: 'aliases (*name) are not read: write the value out', ...at(node) }),
  })
  if (faults.length > 0) refuse(faults)
  const parsed = projectConfig.safeParse(document.toJS() ?? {})
  if (parsed.success) return { config: parsed.data, problem }
  return refuse(parsed.error.issues.flatMap((issue) => problemsOf(issue, document.contents, problem, at)))
}

/** Nesting by the ten thousand overflows the parser's stack, which is a fault of the file like any other. */
function parseSafely(text: string, lines: LineCounter) {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  } catch (error) {
    if (error instanceof RangeError) return refuse([{ path: '', line: null, column: null, message: 'nested too deeply' }])
    throw error
  }
}

type Place = (node: { range?: readonly number[] | null | undefined } | null | undefined) => { line: number | null; column: number | null }

function problemsOf(issue: z.core.$ZodIssue, root: Node | null, problem: ParsedConfig['problem'], at: Place): ConfigProblem[] {
  if (issue.code !== 'unrecognized_keys') return [problem(issue.path, issue.message)]
  return issue.keys.map((key) => {
    const hint = nearest(key, knownKeys(issue.path))
    const message = `unknown key${hint === null ? '' : `: did you mean "${hint}"?`}`
    return { path: nameOf([...issue.path, key]), message, ...at(keyAt(root, issue.path, key)) }
  })
}

/** The node at a path, or the nearest one above it that the file has. */
function nodeAt(root: Node | null, path: Path): Node | null {
  let node = root
  for (const part of path) {
    const inner: unknown = node !== null && 'get' in node ? (node as { get(key: unknown, keep: true): unknown }).get(part, true) : null
    if (inner === null || typeof inner !== 'object') return node
    node = inner as Node
  }
  return node
}

function keyAt(root: Node | null, path: Path, key: string): Node | null {
  const map = nodeAt(root, path)
  const pair = isMap(map) ? map.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key) : undefined
  return (pair?.key as Node | undefined) ?? map
}

/** The keys that the schema has at a path. */
function knownKeys(path: Path): string[] {
  let schema: unknown = projectConfig
  for (const part of path) {
    const inner = inside(schema)
    schema = typeof part === 'number' ? inner.element : inner.shape?.[String(part)]
  }
  const { shape, options } = inside(schema)
  if (options !== undefined) return [...new Set(options.flatMap((option) => Object.keys(inside(option).shape ?? {})))]
  return Object.keys(shape ?? {})
}

interface Inside {
  shape?: Record<string, unknown>
  element?: unknown
  options?: unknown[]
}

function inside(schema: unknown): Inside {
  let found = schema as { unwrap?: () => unknown } & Inside
  while (typeof found?.unwrap === 'function' && found.shape === undefined && found.element === undefined)
    found = found.unwrap() as typeof found
  return found ?? {}
}
