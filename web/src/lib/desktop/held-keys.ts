import { type KeyName, keysymOf, latinOf } from './keysyms.ts'

/** What of an event says which modifiers are down; pointer events have it too. */
export interface Modifiers {
  shiftKey: boolean
  ctrlKey: boolean
  altKey: boolean
  metaKey: boolean
}
export interface KeyChange {
  keysym: number
  down: boolean
}
export type Platform = 'mac' | 'windows' | 'other'

const altLeft: KeyName = { key: 'Alt', code: 'AltLeft', location: 1 }
const isModifier = (code: string): boolean => /^(Shift|Control|Alt|Meta|OS)/.test(code)

/**
 * The keys that the desktop believes to be down. A key goes up as the keysym it went down as, whatever the layout or Shift did in between, and
 * a modifier whose end the browser never told is let go with the next event that shows it.
 */
export class HeldKeys {
  private readonly held = new Map<string, number>()
  private readonly platform: Platform

  constructor(platform: Platform) {
    this.platform = platform
  }

  /** Null: not ours; the browser may make text of it. */
  down(event: KeyName & Modifiers): KeyChange[] | null {
    const name = this.translated(event)
    // What AltGr writes is in the key itself; Windows tells it as Control and Alt together.
    if (event.key === 'AltGraph') return this.release((code) => code.startsWith('Control'))
    if (this.platform === 'mac' && event.key === 'Alt') return []
    const keysym = keysymOf(name)
    if (keysym === null) return null
    const changes = isModifier(event.code) ? [] : this.reconcile(event)
    changes.push(...this.option(event))
    if (event.code !== '') this.held.set(event.code, keysym)
    changes.push({ keysym, down: true })
    // A keyboard on glass names no key, and tells no end of one.
    if (event.code === '') changes.push({ keysym, down: false })
    return changes
  }

  up({ code, key }: KeyName): KeyChange[] {
    // macOS tells the end of no key that is let go while Command is down.
    const lost = this.platform === 'mac' && key === 'Meta'
    return this.release((other) => other === code || (lost && !isModifier(other)))
  }

  /** Lets go of modifiers that an event shows to be up. */
  reconcile({ shiftKey, ctrlKey, altKey, metaKey }: Modifiers): KeyChange[] {
    return this.release(
      (code) =>
        (!shiftKey && code.startsWith('Shift')) ||
        (!ctrlKey && code.startsWith('Control')) ||
        (!altKey && code.startsWith('Alt')) ||
        (!metaKey && /^(Meta|OS)/.test(code)),
    )
  }

  releaseAll(): KeyChange[] {
    return this.release(() => true)
  }

  private release(which: (code: string) => boolean): KeyChange[] {
    const gone = [...this.held].filter(([code]) => which(code))
    for (const [code] of gone) this.held.delete(code)
    return gone.map(([, keysym]) => ({ keysym, down: false }))
  }

  /** Command is what Control is elsewhere; a shortcut means the key, not the script that the layout writes. */
  private translated(event: KeyName & Modifiers): KeyName {
    const { code, location } = event
    if (this.platform === 'mac' && event.key === 'Meta') return { key: 'Control', code, location }
    const shortcut = (event.ctrlKey || event.altKey || event.metaKey) && !(event.ctrlKey && event.altKey)
    return shortcut ? { key: latinOf(event), code, location } : event
  }

  /** Option writes characters like AltGr; it is Alt only with a key that writes nothing. */
  private option(event: KeyName & Modifiers): KeyChange[] {
    const alone = [...event.key].length > 1 && !isModifier(event.code)
    const keysym = keysymOf(altLeft)
    if (this.platform !== 'mac' || !event.altKey || !alone || keysym === null || this.held.has(altLeft.code)) return []
    this.held.set(altLeft.code, keysym)
    return [{ keysym, down: true }]
  }
}

export function platformOf(userAgent: string): Platform {
  if (/Mac|iPhone|iPad/.test(userAgent)) return 'mac'
  return userAgent.includes('Windows') ? 'windows' : 'other'
}
