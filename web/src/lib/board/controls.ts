import type { TaskCard } from '@helix/contract/tasks'
import { getContext, setContext } from 'svelte'
import type { Archiving } from './archiving.svelte.ts'
import type { BoardState } from './board.svelte.ts'
import type { Moving } from './moving.svelte.ts'
import type { Selection } from './selection.svelte.ts'

/** What cards need of their board, so that it need not go through every column. */
export interface Controls {
  board: BoardState
  archiving: Archiving
  moving: Moving
  selection: Selection
  /** The person may change tasks here. */
  mayWrite: boolean
  edit(card: TaskCard): void
  clone(card: TaskCard): void
}

const key = Symbol('board')
export const provideControls = (controls: Controls): Controls => setContext(key, controls)
export const useControls = (): Controls => getContext<Controls>(key)
