const marker = /^\s*(?:[-*+]|\d+[.)])\s+\[( |x|X|~)\]/

/** Counts the checkbox markers of a tasks.md. */
export function progressOf(tasks: string): { done: number; total: number } | null {
  const marks = tasks.split('\n').flatMap((line) => marker.exec(line)?.[1] ?? [])
  return marks.length === 0 ? null : { done: marks.filter((mark) => mark.toLowerCase() === 'x').length, total: marks.length }
}
