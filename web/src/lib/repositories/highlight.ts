/** Units: UTF-16 units. Colours are not worth the wait beyond this. */
const longest = 300_000

/** Colours a file by its name; null when its language is not known or it is too long. The library is loaded when first asked. */
export async function highlight(path: string, text: string): Promise<string | null> {
  if (text.length > longest) return null
  const { default: library } = await import('highlight.js/lib/common')
  const name = path.split('/').at(-1)?.toLowerCase() ?? ''
  const language = [name.split('.').at(-1) ?? '', name].find((candidate) => library.getLanguage(candidate) !== undefined)
  // The library escapes the text it colours.
  return language === undefined ? null : library.highlight(text, { language, ignoreIllegals: true }).value
}
