import { randomBytes } from 'node:crypto'
import type { Labels } from '../engine/engine.ts'
import { type Owner, ownerLabels } from '../sessions/names.ts'

const label = 'helix.slot'

export const newSlotId = (): string => `slot-${randomBytes(8).toString('hex')}`
export const slotLabels = (owner: Owner, id: string): Labels => ({ ...ownerLabels(owner), [label]: id })
/** Null: it was not made as a slot. */
export const slotOf = (labels: Labels): string | null => labels[label] ?? null
