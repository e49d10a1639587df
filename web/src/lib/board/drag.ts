import type { TaskCard } from '@helix/contract/tasks'
import type { Attachment } from 'svelte/attachments'
import type { ColumnKey } from './filter.ts'
import type { Moving } from './moving.svelte.ts'

type Adapter = typeof import('@atlaskit/pragmatic-drag-and-drop/element/adapter')

let adapter: Promise<Adapter> | null = null
const pointed = Promise.withResolvers<void>()
/** The pointer is over the board: whoever drags comes with one. */
export const pointerCame = (): void => pointed.resolve()

const load = (): Promise<Adapter> => {
  adapter ??= pointed.promise.then(() => import('@atlaskit/pragmatic-drag-and-drop/element/adapter'))
  return adapter
}

function bind(set: (loaded: Adapter) => () => void): () => void {
  let clean: (() => void) | null = null
  let gone = false
  void load().then((loaded) => {
    if (!gone) clean = set(loaded)
  })
  return () => {
    gone = true
    clean?.()
  }
}

/** Makes the element a card that can be dragged. */
export function draggableCard(card: () => TaskCard, moving: Moving): Attachment<HTMLElement> {
  return (element) =>
    bind(({ draggable }) =>
      draggable({
        element,
        getInitialData: () => ({ task: card().id }),
        onDragStart: () => {
          moving.dragged = card()
        },
        // The card hears of it before the column does, which has to know what was dropped.
        onDrop: () => queueMicrotask(() => (moving.dragged = null)),
      }),
    )
}

/** Makes the element a column that takes cards; `over` is told whether one hangs above it. */
export function dropColumn(column: ColumnKey, moving: Moving, over: (is: boolean) => void): Attachment<HTMLElement> {
  return (element) =>
    bind(({ dropTargetForElements }) =>
      dropTargetForElements({
        element,
        onDragEnter: () => over(true),
        onDragLeave: () => over(false),
        onDrop: () => {
          over(false)
          if (moving.dragged !== null) void moving.move(moving.dragged, column)
        },
      }),
    )
}
