/** The first link of a mail, for opening it from the log; only to this very site. */
export function linkOf(text: string, origin: string): string | null {
  for (const [found] of text.matchAll(/https?:\/\/[^\s<>"]+/g)) {
    const url = URL.parse(found)
    if (url?.origin === origin) return url.pathname + url.search
  }
  return null
}
