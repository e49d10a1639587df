/** Units: UTF-16 units. What is shorter cannot be told from other words. */
const shortest = 6

export type Masked = readonly { name: string; value: string }[]

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)
/** As Python’s `json.dumps` writes it. */
const inAscii = (text: string): string =>
  text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
/** As Go’s `encoding/json` writes it. */
const inGo = (text: string): string => text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)

/** How a value may stand in a body: plain, in a JSON string as the clients’ languages write one, and in JSON that stands in a JSON string. */
function formsOf(value: string): string[] {
  const once = [inJson(value), inAscii(inJson(value)), inGo(inJson(value)), inJson(value).replaceAll('/', '\\/')]
  return [...new Set([value, ...once, ...once.map(inJson)])]
}

export type Mask = (body: Buffer) => Buffer

const unchanged: Mask = (body) => body
const known = new WeakMap<Masked, Mask>()

/** Replaces known values by `[secret NAME]`, the longest first. What holds none is given back as it is. */
export function maskOf(masked: Masked): Mask {
  const before = known.get(masked)
  if (before !== undefined) return before
  const made = makeMask(masked)
  known.set(masked, made)
  return made
}

function makeMask(masked: Masked): Mask {
  const names = new Map<string, string>()
  for (const { name, value } of masked)
    if (value.length >= shortest) for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name)
  if (names.size === 0) return unchanged
  const forms = [...names.keys()].sort((a, b) => b.length - a.length)
  const needles = forms.map((form) => Buffer.from(form))
  const pattern = new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
  return (body) => {
    // Looking through the bytes is many times quicker than making a string of them, and nearly no body holds a secret.
    if (!needles.some((needle) => body.includes(needle))) return body
    return Buffer.from(body.toString('utf8').replace(pattern, (found) => `[secret ${names.get(found)}]`))
  }
}
