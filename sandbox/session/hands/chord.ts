import { closest } from './closest.ts'
import { keysymOf, keysyms, otherNames } from './keysyms.ts'
import { Refusal } from './refusal.ts'

const mostKeys = 6
const byName = new Map<string, number>([
  ...Object.entries(keysyms).map(([name, keysym]) => [name.toLowerCase(), keysym] as const),
  ...Object.entries(otherNames).map(([name, key]) => [name, keysyms[key] ?? 0] as const),
])
const names = [...Object.keys(keysyms), ...Object.keys(otherNames)]

/** The keysyms of `ctrl+shift+t`, in the order they are pressed. Throws with names that are near. */
export function chordOf(text: string): number[] {
  const parts = partsOf(text.trim())
  if (parts.length > mostKeys)
    throw new Refusal(`${text.slice(0, 40)} has ${parts.length} keys: at most ${mostKeys} can be pressed together.`)
  return parts.map(keyOf)
}

/** `ctrl++` presses the plus. */
function partsOf(text: string): string[] {
  if (text === '+') return ['+']
  const parts = (text.endsWith('++') ? text.slice(0, -2) : text).split('+').map((part) => part.trim())
  return text.endsWith('++') ? [...parts, '+'] : parts
}

function keyOf(name: string): number {
  if (name === '') throw new Refusal('A key is missing: write chords like ctrl+shift+t, and the plus key as ctrl++.')
  // A character in the words of the keyboard: capitals come by shift+a.
  if ([...name].length === 1) return keysymOf(name)
  const known = byName.get(name.toLowerCase())
  if (known !== undefined) return known
  const near = closest(name, names)
  const hint =
    near.length === 0 ? 'Use a character, or a name like Return, Escape, Tab, Left, Page_Down, F5.' : `Is it ${near.join(' or ')}?`
  throw new Refusal(`There is no key called ${name.slice(0, 40)}. ${hint} To write words use the tool type.`)
}
