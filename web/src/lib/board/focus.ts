/** The links of the cards, column by column, as they stand on the board. */
function grid(root: HTMLElement): HTMLElement[][] {
  return [...root.querySelectorAll('[data-column]')].map((column) => [...column.querySelectorAll<HTMLElement>('[data-task] h3 a')])
}

function focusCard(card: HTMLElement | undefined): void {
  card?.focus()
  card?.closest('[data-task]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

export function focusColumn(root: HTMLElement | null, column: number): void {
  if (root === null) return
  focusCard(grid(root)[column]?.[0])
  root.querySelectorAll('[data-column]')[column]?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

function target(all: HTMLElement[][], focused: Element | null, columns: number, cards: number): HTMLElement | undefined {
  const column = all.findIndex((list) => list.some((link) => link === focused))
  const links = all[column]
  if (links === undefined) return all.flat()[0]
  const row = links.findIndex((link) => focused?.isSameNode(link))
  if (columns === 0) return links[row + cards]
  for (let next = column + columns; next >= 0 && next < all.length; next += columns) {
    const list = all[next] ?? []
    if (list.length > 0) return list[Math.min(row, list.length - 1)]
  }
  return undefined
}

/** Moves the focus over the cards; from nowhere it goes to the first card there is. Empty columns are skipped. */
export function moveFocus(root: HTMLElement | null, columns: number, cards: number): void {
  if (root !== null) focusCard(target(grid(root), document.activeElement, columns, cards))
}
