import { tokensOf } from './answer/counts.ts'

const perImage = 1600

/** Data of a picture or a document is no text: it counts as a picture does. */
function charactersOf(value: unknown, key: string): { characters: number; files: number } {
  if (typeof value === 'string') {
    const isFile = key === 'data' || key === 'file_data' || value.startsWith('data:')
    return isFile ? { characters: 0, files: 1 } : { characters: value.length, files: 0 }
  }
  if (typeof value !== 'object' || value === null) return { characters: 1, files: 0 }
  let sum = { characters: 0, files: 0 }
  for (const [name, item] of Object.entries(value)) {
    const { characters, files } = charactersOf(item, name)
    sum = { characters: sum.characters + characters + (Array.isArray(value) ? 0 : name.length), files: sum.files + files }
  }
  return sum
}

/** How many tokens a request of any dialect has, about: for clients that ask before they send, where the provider cannot be asked. */
export function countTokens(body: Readonly<Record<string, unknown>>): number {
  const { characters, files } = charactersOf(body, '')
  return tokensOf(characters) + files * perImage
}
