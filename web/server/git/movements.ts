import type { Intent, RefMove } from './intents.ts'

export interface Movement extends RefMove {
  intent: Intent
}

export interface RefState {
  /** What git has now, by ref. */
  actual: ReadonlyMap<string, string>
  /** What the control plane has recorded, by ref. */
  recorded: ReadonlyMap<string, string>
  /** Does the reflog name this move? */
  logged(move: RefMove): Promise<boolean>
}

interface Candidate extends Movement {
  /** git itself said that it made this move. */
  proven: boolean
}

/**
 * Which intents came true, in the order the refs took them. Where git had no time to say so (killed), a move counts when it leads on from
 * what is recorded and git shows it, or when nothing else explains where the ref is now.
 */
export async function findMovements(intents: readonly Intent[], state: RefState): Promise<Movement[]> {
  const byRef = new Map<string, Candidate[]>()
  for (const intent of intents) {
    for (const move of intent.moved ?? intent.moves) {
      if (move.oldCommit === move.newCommit) continue
      const candidates = byRef.get(move.ref) ?? []
      candidates.push({ ...move, intent, proven: intent.moved !== null })
      byRef.set(move.ref, candidates)
    }
  }
  const found = await Promise.all([...byRef].map(([ref, candidates]) => orderMoves(ref, candidates, state)))
  return found.flat().map(({ proven: _, ...movement }) => movement)
}

async function orderMoves(ref: string, candidates: Candidate[], state: RefState): Promise<Candidate[]> {
  const actual = state.actual.get(ref) ?? null
  const shown = async (move: RefMove) => move.newCommit === actual || (await state.logged(move))
  const left = [...candidates.filter((one) => one.proven), ...candidates.filter((one) => !one.proven)]
  const ordered: Candidate[] = []
  let at = state.recorded.get(ref) ?? null
  const take = (index: number) => {
    for (const one of left.splice(index, 1)) {
      ordered.push(one)
      at = one.newCommit
    }
  }
  for (let index = 0; index < left.length; ) {
    const one = left[index]
    if (one !== undefined && one.oldCommit === at && (one.proven || (await shown(one)))) {
      take(index)
      index = 0
    } else {
      index += 1
    }
  }
  while (left[0]?.proven) take(0)
  const explains = left.findIndex((one) => one.newCommit === actual)
  if (at !== actual && explains >= 0) take(explains)
  return ordered
}
