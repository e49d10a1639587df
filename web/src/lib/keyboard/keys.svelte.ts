import { untrack } from 'svelte'

export interface KeyBinding {
  /** `c`, `?`, `Enter`, `Escape`, `ArrowDown`, or with the platform's command key: `mod+k`. */
  key: string
  /** Also listens to these. */
  also?: string[]
  /** What it does, for the help. */
  label: string
  run: () => void
}

interface Group {
  title: string
  /** Those of the frame: what a page binds goes before them. */
  everywhere: boolean
  bindings: KeyBinding[]
}

let groups = $state.raw<Group[]>([])

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}

function nameOf(event: KeyboardEvent): string {
  return event.metaKey || event.ctrlKey ? `mod+${event.key.toLowerCase()}` : event.key
}

/** The keys of what is on the page now. */
export const keys = {
  get groups(): readonly Group[] {
    return groups
  },
  /** For the window's keydown. Typing in a field and open dialogs keep their keys. */
  handle(event: KeyboardEvent): void {
    const name = nameOf(event)
    const command = name.startsWith('mod+')
    if (
      event.defaultPrevented ||
      event.altKey ||
      (!command && (isTyping(event.target) || document.querySelector('[role="dialog"]') !== null))
    )
      return
    for (const group of groups.toSorted((a, b) => Number(a.everywhere) - Number(b.everywhere))) {
      const binding = group.bindings.find(({ key, also }) => key === name || also?.includes(name))
      if (binding === undefined) continue
      event.preventDefault()
      binding.run()
      return
    }
  },
}

/** Binds keys while the component lives. */
export function bindKeys(title: string, bindings: KeyBinding[], { everywhere = false } = {}): void {
  $effect(() => {
    const group = { title, bindings, everywhere }
    groups = [...untrack(() => groups), group]
    return () => {
      groups = groups.filter((other) => other !== group)
    }
  })
}
