import { type Passage, type Point, passageBetween } from './selection.ts'

function pieces(root: Element): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>('[data-at]')]
}

function pointIn(piece: HTMLElement, into: number): Point {
  const length = piece.dataset.length
  return { at: Number(piece.dataset.at), into, ...(length === undefined ? {} : { length: Number(length) }) }
}

function textLength(node: Node): number {
  return node.textContent?.length ?? 0
}

/** The selection inside a rendered document as a passage of its source; null when nothing of it is selected. */
export function selectedPassage(root: Element, source: string, selection: Selection | null): Passage | null {
  if (selection === null || selection.rangeCount === 0 || selection.isCollapsed) return null
  const range = selection.getRangeAt(0)
  if (!root.contains(range.commonAncestorContainer)) return null
  const touched = pieces(root).filter((piece) => range.intersectsNode(piece))
  const first = touched[0]
  const last = touched.at(-1)
  if (first === undefined || last === undefined) return null
  const start = pointIn(first, first.contains(range.startContainer) ? range.startOffset : 0)
  const end = pointIn(last, last.contains(range.endContainer) ? range.endOffset : textLength(last))
  return passageBetween(source, start, end)
}

const blockNames = 'h2, h3, h4, h5, h6, p, li, pre, tr'

/** What can be commented as one: the innermost paragraphs, headings, items and rows of a rendered document. */
export function blocksIn(root: Element): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(blockNames)].filter(
    (block) => block.querySelector(blockNames) === null && block.querySelector('[data-at]') !== null,
  )
}

/** A whole block as a passage of its source. */
export function blockPassage(block: Element, source: string): Passage | null {
  const within = pieces(block)
  const [first, last] = [within[0], within.at(-1)]
  if (first === undefined || last === undefined) return null
  return passageBetween(source, pointIn(first, 0), pointIn(last, textLength(last)))
}
