import { encodeKey } from '@helix/contract/stream-up'
import { HeldKeys, type KeyChange, type Modifiers, type Platform } from './held-keys.ts'
import { keysymOf } from './keysyms.ts'
import { textMessages } from './texts.ts'

/** Units: milliseconds; a browser that has nothing to paste tells no paste. */
const pasteWaitMs = 150
const [backspace, enter] = [0xff08, 0xff0d]

interface Wired {
  platform: Platform
  /** False: keys are left to the page. */
  drives: () => boolean
  send: (data: Uint8Array<ArrayBuffer>) => void
  /** Gives the desktop what was pasted, before it is told of the key. */
  paste: (data: DataTransfer | null) => Promise<boolean>
  /** The person wants the keyboard back. */
  leave: () => void
}

const isPaste = (event: KeyboardEvent): boolean =>
  ((event.ctrlKey || event.metaKey) && !event.altKey && event.code === 'KeyV') || (event.shiftKey && event.key === 'Insert')

/**
 * Keys of the desktop, heard by a field that nobody sees: what a key means is sent as a key; what an input method, a dead key or a keyboard on glass
 * makes of several lands in the field and is sent as text.
 */
export class Keyboard {
  private readonly held: HeldKeys
  private readonly field: HTMLTextAreaElement
  private readonly wired: Wired
  private readonly listening = new AbortController()
  private chord = false
  private composing = false
  private pasting: ReturnType<typeof setTimeout> | undefined
  private pasteKeysym: number | null = null

  constructor(field: HTMLTextAreaElement, wired: Wired) {
    this.field = field
    this.wired = wired
    this.held = new HeldKeys(wired.platform)
    this.listen('keydown', (event) => this.down(event))
    this.listen('keyup', (event) => this.up(event))
    this.listen('blur', () => this.release())
    this.listen('paste', (event) => void this.pasted(event))
    this.listen('compositionstart', () => (this.composing = true))
    this.listen('compositionend', () => this.composed())
    this.listen('input', () => this.wrote())
    this.empty()
    const { signal } = this.listening
    document.addEventListener('visibilitychange', () => this.release(), { signal })
    window.addEventListener('blur', () => this.release(), { signal })
  }

  /** Nothing stays pressed on the desktop. */
  release(): void {
    this.chord = false
    this.tell(this.held.releaseAll())
  }

  /** A pointer event shows which modifiers are down, too. */
  reconcile(event: Modifiers): void {
    this.tell(this.held.reconcile(event))
  }

  close(): void {
    this.release()
    this.listening.abort()
  }

  private listen<K extends keyof HTMLElementEventMap>(type: K, run: (event: HTMLElementEventMap[K]) => void): void {
    this.field.addEventListener(type, run as (event: Event) => void, { signal: this.listening.signal })
  }

  private tell(changes: KeyChange[]): void {
    for (const change of changes) this.wired.send(encodeKey(change))
  }

  private down(event: KeyboardEvent): void {
    // The page's own shortcuts rest while the keyboard is the desktop's.
    event.stopPropagation()
    const modifier = ['Control', 'Alt', 'Shift', 'Meta'].includes(event.key)
    this.chord = modifier && event.ctrlKey && event.altKey && event.shiftKey
    if (!this.wired.drives() || event.isComposing || event.keyCode === 229) return
    const changes = isPaste(event) ? null : this.held.down(event)
    if (isPaste(event)) this.beforePaste(event)
    if (changes === null) return
    event.preventDefault()
    this.tell(changes)
  }

  private up(event: KeyboardEvent): void {
    event.stopPropagation()
    if (this.chord) {
      this.release()
      this.wired.leave()
      return
    }
    this.tell(this.held.up(event))
  }

  /** The browser tells what is pasted only if it may do it: the key waits for that. */
  private beforePaste(event: KeyboardEvent): void {
    const changes = this.held.down(event) ?? []
    this.tell(changes.filter(({ down }) => !down))
    const keysym = keysymOf(event)
    if (keysym === null || event.repeat) return
    clearTimeout(this.pasting)
    this.pasting = setTimeout(() => this.tap(keysym), pasteWaitMs)
    this.pasteKeysym = keysym
  }

  private async pasted(event: ClipboardEvent): Promise<void> {
    event.preventDefault()
    clearTimeout(this.pasting)
    const keysym = this.pasteKeysym
    this.pasteKeysym = null
    await this.wired.paste(event.clipboardData)
    if (keysym !== null) this.tap(keysym)
  }

  private tap(keysym: number): void {
    this.tell([
      { keysym, down: true },
      { keysym, down: false },
    ])
  }

  private composed(): void {
    this.composing = false
    this.wrote()
  }

  /** The field holds one space, so that a keyboard on glass has something to delete. */
  private wrote(): void {
    if (this.composing) return
    const { value } = this.field
    this.empty()
    if (!this.wired.drives()) return
    if (value === '') this.tap(backspace)
    for (const part of value.replace(/^ /, '').split(/(\n)/)) {
      if (part === '\n') this.tap(enter)
      else for (const message of textMessages(part)) this.wired.send(message)
    }
  }

  private empty(): void {
    this.field.value = ' '
    this.field.setSelectionRange(1, 1)
  }
}
