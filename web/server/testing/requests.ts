import type { Endpoint } from '@helix/contract/endpoint'

export interface Asked {
  params: Record<string, string>
  query?: Record<string, string>
  body?: unknown
}

export interface Answered {
  status: number
  text: string
  body: { error?: { code: string; message: string; requestId: string; details?: { fields?: Record<string, string>; needed?: string } } }
}

/** One request without the client's own checks, so that nonsense reaches the server. */
export async function send(url: string, endpoint: Endpoint, asked: Asked, token: string | null): Promise<Answered> {
  const path = endpoint.path.replace(/:([A-Za-z]+)/g, (_, name) => encodeURIComponent(asked.params[name] ?? `no-${name}`))
  const headers = new Headers(token === null ? {} : { authorization: `Bearer ${token}` })
  const hasBody = endpoint.method !== 'GET' && asked.body !== undefined
  if (hasBody) headers.set('content-type', 'application/json')
  const response = await fetch(`${url}${path}?${new URLSearchParams(asked.query)}`, {
    method: endpoint.method,
    headers,
    ...(hasBody ? { body: JSON.stringify(asked.body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) }
}
