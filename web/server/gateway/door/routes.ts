import type { IncomingHttpHeaders } from 'node:http'
import type { ConversationDialect } from '../ports/candidate.ts'
import type { Operation } from '../ports/meter.ts'

/** In whose words errors are said. */
export type Words = 'openai' | 'anthropic' | 'google'

/** What a path asks for. */
export interface Route {
  does: Operation | 'models'
  words: Words
  /** Of conversations and of counting their tokens. */
  dialect: ConversationDialect | null
  /** Under the prefix of the provider’s API: `/chat/completions`. Of Google’s: the verb alone. */
  path: string
  body: 'json' | 'form' | 'none'
  /** Google’s dialect says it in the path; null elsewhere. */
  model: string | null
  /** Of `stored` and `files`: which one. */
  id: string | null
}

type Fixed = Pick<Route, 'does' | 'words' | 'dialect' | 'body'>

const openai = (does: Fixed['does'], body: Fixed['body'] = 'json', dialect: Fixed['dialect'] = null): Fixed => ({
  does,
  words: 'openai',
  dialect,
  body,
})
const anthropic = (does: Fixed['does']): Fixed => ({ does, words: 'anthropic', dialect: 'messages', body: 'json' })

const fixed = new Map<string, Fixed>([
  ['POST /chat/completions', openai('converse', 'json', 'chat')],
  ['POST /responses', openai('converse', 'json', 'responses')],
  ['POST /embeddings', openai('embeddings')],
  ['POST /audio/speech', openai('audio')],
  ['POST /audio/transcriptions', openai('audio', 'form')],
  ['POST /audio/translations', openai('audio', 'form')],
  ['POST /images/generations', openai('images')],
  ['POST /images/edits', openai('images', 'form')],
  ['POST /images/variations', openai('images', 'form')],
  ['POST /messages', anthropic('converse')],
  ['POST /messages/count_tokens', anthropic('count_tokens')],
])

const verbs: Readonly<Record<string, Operation>> = {
  generateContent: 'converse',
  streamGenerateContent: 'converse',
  countTokens: 'count_tokens',
  embedContent: 'embeddings',
  batchEmbedContents: 'embeddings',
}

const google = /^\/models\/(.+):(\w+)$/
const ofResponse = /^\/responses\/([\w-]{1,200})(\/cancel|\/input_items)?$/
const ofFile = /^\/files(?:\/([\w-]{1,200})(\/content)?)?$/

/** Which of them is asked only its headers tell: `/models` and `/files` are in two or three dialects. */
export function wordsOf(path: string, headers: IncomingHttpHeaders, query: URLSearchParams): Words {
  if (path.startsWith('/v1beta/') || google.test(path.slice(3)) || headers['x-goog-api-key'] !== undefined || query.has('key'))
    return 'google'
  return path.startsWith('/v1/messages') || headers['anthropic-version'] !== undefined ? 'anthropic' : 'openai'
}

function googleRoute(path: string): Route | null {
  const match = google.exec(path)
  const does = verbs[match?.[2] ?? '']
  if (match?.[1] === undefined || match[2] === undefined || does === undefined) return null
  const dialect = does === 'embeddings' ? null : 'generate'
  return { does, words: 'google', dialect, path: match[2], body: 'json', model: decodeURIComponent(match[1]), id: null }
}

function storedRoute(method: string, path: string, words: Words): Route | null {
  const response = ofResponse.exec(path)
  const rest = { words, dialect: null, path, model: null }
  if (response?.[1] !== undefined) {
    const allowed = response[2] === undefined ? ['GET', 'DELETE'] : [response[2] === '/cancel' ? 'POST' : 'GET']
    return allowed.includes(method) ? { ...rest, does: 'stored', body: 'none', id: response[1] } : null
  }
  const file = ofFile.exec(path)
  if (file === null) return null
  const allowed = file[1] === undefined ? ['GET', 'POST'] : file[2] === undefined ? ['GET', 'DELETE'] : ['GET']
  if (!allowed.includes(method)) return null
  return { ...rest, does: 'files', body: method === 'POST' ? 'form' : 'none', id: file[1] ?? null }
}

/** Null: there is nothing under this path. `path` begins with `/v1` or `/v1beta`. */
export function routeOf(method: string, path: string, words: Words): Route | null {
  const rest = path.replace(/^\/v1(beta)?/, '')
  if (method === 'POST' && words === 'google') return googleRoute(rest)
  if (method === 'GET' && /^\/models(\/.+)?$/.test(rest)) {
    const id = rest === '/models' ? null : decodeURIComponent(rest.slice('/models/'.length))
    return { does: 'models', words, dialect: null, path: rest, body: 'none', model: null, id }
  }
  if (path.startsWith('/v1beta')) return null
  const found = fixed.get(`${method} ${rest}`)
  if (found !== undefined) return { ...found, path: rest, model: null, id: null }
  return storedRoute(method, rest, words)
}
