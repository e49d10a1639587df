import { browser } from '$app/env'

const prefix = 'helix:draft:'
/** Units: characters; a longer text is kept in the page only. */
const longest = 1_000_000

function read(key: string): string {
  try {
    return browser ? (localStorage.getItem(prefix + key) ?? '') : ''
  } catch {
    return ''
  }
}

/**
 * Text that a person has typed and not sent: it outlives a reload, a sign-in and a lost network. Storage that is full or forbidden costs only
 * that.
 */
export class Draft {
  private readonly key: string
  private value = $state('')

  constructor(key: string) {
    this.key = key
    this.value = read(key)
  }

  get text(): string {
    return this.value
  }

  set text(text: string) {
    this.value = text
    this.keep()
  }

  /** What was sent is no draft any more. */
  clear(): void {
    this.text = ''
  }

  private keep(): void {
    if (!browser || this.value.length > longest) return
    try {
      if (this.value === '') localStorage.removeItem(prefix + this.key)
      else localStorage.setItem(prefix + this.key, this.value)
    } catch {
      // The page still has it.
    }
  }
}

export const draft = (key: string): Draft => new Draft(key)
