/** What the worker needs of a host's `hello`; null: another message, or none. The page looks at the rest of it. */
export function greetingOf(text: string): { codec: string; pass: string | null } | null {
  if (!text.includes('"hello"')) return null
  try {
    const { type, codec, pass } = JSON.parse(text) as { type?: unknown; codec?: unknown; pass?: unknown }
    if (type !== 'hello' || typeof codec !== 'string') return null
    return { codec, pass: typeof pass === 'string' ? pass : null }
  } catch {
    return null
  }
}
