/** What of a `KeyboardEvent` says which key it is. */
export interface KeyName {
  key: string
  code: string
  location: number
}

const [right, keypad] = [2, 3]

/** X keysyms of keys that write nothing. Source: X.Org's keysymdef.h and XF86keysym.h. */
const named: Readonly<Record<string, number>> = {
  Backspace: 0xff08,
  Tab: 0xff09,
  Clear: 0xff0b,
  Enter: 0xff0d,
  Pause: 0xff13,
  ScrollLock: 0xff14,
  Escape: 0xff1b,
  Home: 0xff50,
  ArrowLeft: 0xff51,
  ArrowUp: 0xff52,
  ArrowRight: 0xff53,
  ArrowDown: 0xff54,
  PageUp: 0xff55,
  PageDown: 0xff56,
  End: 0xff57,
  Select: 0xff60,
  PrintScreen: 0xff61,
  Execute: 0xff62,
  Insert: 0xff63,
  Undo: 0xff65,
  Redo: 0xff66,
  ContextMenu: 0xff67,
  Find: 0xff68,
  Help: 0xff6a,
  Delete: 0xffff,
  AudioVolumeDown: 0x1008ff11,
  AudioVolumeMute: 0x1008ff12,
  AudioVolumeUp: 0x1008ff13,
  MediaPlayPause: 0x1008ff14,
  MediaStop: 0x1008ff15,
  MediaTrackPrevious: 0x1008ff16,
  MediaTrackNext: 0x1008ff17,
  BrowserBack: 0x1008ff26,
  BrowserForward: 0x1008ff27,
  BrowserRefresh: 0x1008ff29,
}

const modifiers: Readonly<Record<string, readonly [number, number]>> = {
  Shift: [0xffe1, 0xffe2],
  Control: [0xffe3, 0xffe4],
  Alt: [0xffe9, 0xffea],
  Meta: [0xffeb, 0xffec],
}

const onKeypad: Readonly<Record<string, number>> = {
  Enter: 0xff8d,
  Home: 0xff95,
  ArrowLeft: 0xff96,
  ArrowUp: 0xff97,
  ArrowRight: 0xff98,
  ArrowDown: 0xff99,
  PageUp: 0xff9a,
  PageDown: 0xff9b,
  End: 0xff9c,
  Clear: 0xff9d,
  Insert: 0xff9e,
  Delete: 0xff9f,
  '*': 0xffaa,
  '+': 0xffab,
  '-': 0xffad,
  '.': 0xffae,
  '/': 0xffaf,
}

/** Latin 1 is its own keysym; everything beyond is Unicode's number with a mark. */
export const keysymOfCharacter = (point: number): number => (point >= 0x20 && point <= 0xff ? point : 0x0100_0000 | point)

function ofKeypad(key: string): number | null {
  if (/^[0-9]$/.test(key)) return 0xffb0 + Number(key)
  return onKeypad[key] ?? null
}

/** Null: the key is the browser's own business (an input method, a dead key, Caps Lock), and what it writes arrives as text. */
export function keysymOf({ key, location }: KeyName): number | null {
  const modifier = modifiers[key]
  if (modifier !== undefined) return location === right ? modifier[1] : modifier[0]
  if (location === keypad) {
    const found = ofKeypad(key)
    if (found !== null) return found
  }
  const [first, second] = key
  if (first !== undefined && second === undefined) return keysymOfCharacter(first.codePointAt(0) ?? 0)
  const numbered = /^F([1-9]|1[0-9]|2[0-4])$/.exec(key)
  if (numbered !== null) return 0xffbd + Number(numbered[1])
  return named[key] ?? null
}

/** The letter on the key in Latin script: what a shortcut means to programs, whatever script the layout writes. */
export function latinOf({ key, code }: KeyName): string {
  const letter = /^Key([A-Z])$/.exec(code)?.[1]
  return letter !== undefined && [...key].length === 1 && (key.codePointAt(0) ?? 0) > 0xff ? letter.toLowerCase() : key
}
