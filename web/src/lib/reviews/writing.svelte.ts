import type { RevisionId, TaskId } from '@helix/contract/ids'
import { type SpecDocument, specDocuments } from '@helix/contract/reviews'
import { draft } from '#lib/draft.svelte.ts'
import type { Passage } from '#lib/markdown/selection.ts'

/** A comment that is being written, with where it belongs. */
export interface Writing {
  revisionId: RevisionId
  document: SpecDocument
  passage: Passage | null
  body: string
  /** Null while nothing else is suggested for the passage. */
  suggestion: string | null
}

function parse(text: string): Writing | null {
  try {
    const kept = JSON.parse(text) as Writing
    const passage = kept.passage === null || typeof kept.passage?.quote === 'string'
    return passage && specDocuments.includes(kept.document) && typeof kept.body === 'string' ? kept : null
  } catch {
    return null
  }
}

/** The half-written comment of a task: it outlives a reload and a sign-in together with its passage. */
export class WritingState {
  current = $state.raw<Writing | null>(null)
  private readonly kept

  constructor(taskId: TaskId) {
    this.kept = draft(`review:${taskId}:comment`)
    this.current = this.kept.text === '' ? null : parse(this.kept.text)
  }

  /** Goes to another passage; what was written stays. */
  begin(at: Pick<Writing, 'revisionId' | 'document' | 'passage'>): void {
    this.put({ body: this.current?.body ?? '', suggestion: null, ...at })
  }

  change(change: Partial<Pick<Writing, 'body' | 'suggestion'>>): void {
    if (this.current !== null) this.put({ ...this.current, ...change })
  }

  end(): void {
    this.current = null
    this.kept.clear()
  }

  private put(next: Writing): void {
    this.current = next
    if (next.body.trim() === '' && next.suggestion === null) this.kept.clear()
    else this.kept.text = JSON.stringify(next)
  }
}
