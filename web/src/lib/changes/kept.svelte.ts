import { browser } from '$app/env'

function read(key: string): string | null {
  try {
    return browser ? localStorage.getItem(key) : null
  } catch {
    return null
  }
}
function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // The page still has it.
  }
}

const viewKey = 'helix:diff-view'
let view = $state<'unified' | 'split'>(read(viewKey) === 'split' ? 'split' : 'unified')

/** How this person likes diffs. */
export const diffView = {
  get value(): 'unified' | 'split' {
    return view
  },
  set(next: 'unified' | 'split'): void {
    view = next
    write(viewKey, next)
  },
}

/** A short sign of a text: a file that changes after it was viewed has not been viewed. */
function signOf(text: string): string {
  let hash = 5381
  for (let at = 0; at < text.length; at++) hash = ((hash * 33) ^ text.charCodeAt(at)) >>> 0
  return `${text.length}.${hash.toString(36)}`
}

/** Which files of a task's changes this person has looked at, as they were then. */
export class Viewed {
  private signs = $state.raw<Record<string, string>>({})
  private readonly key: string

  constructor(taskId: string) {
    this.key = `helix:viewed:${taskId}`
    try {
      this.signs = JSON.parse(read(this.key) ?? '{}')
    } catch {
      this.signs = {}
    }
  }

  has(path: string, patch: string | null): boolean {
    return this.signs[path] === signOf(patch ?? '')
  }

  set(path: string, patch: string | null, viewed: boolean): void {
    const { [path]: _, ...others } = this.signs
    this.signs = viewed ? { ...others, [path]: signOf(patch ?? '') } : others
    write(this.key, JSON.stringify(this.signs))
  }
}
