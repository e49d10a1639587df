/** Moves the focus among the `[data-item]` links of a list; from nowhere it goes to the first. */
export function moveInList(root: HTMLElement | null, by: number): void {
  const items = [...(root?.querySelectorAll<HTMLElement>('[data-item]') ?? [])]
  const at = items.findIndex((item) => item.matches(':focus'))
  const next = items[at === -1 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}
