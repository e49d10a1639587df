/** The codec that a `hello` of the host names; null: another message, or none. The page looks at the rest of it. */
export function codecOf(text: string): string | null {
  if (!text.includes('"hello"')) return null
  try {
    const { type, codec } = JSON.parse(text) as { type?: unknown; codec?: unknown }
    return type === 'hello' && typeof codec === 'string' ? codec : null
  } catch {
    return null
  }
}
