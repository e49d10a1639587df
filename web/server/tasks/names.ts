/** `000007`: sorts as text and stays readable up to a million tasks of a project. */
export function padded(number: number): string {
  return String(number).padStart(6, '0')
}

/** ASCII, lower case, dashes, at most 40 characters, never empty. */
export function slugOf(title: string): string {
  const ascii = title
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .toLowerCase()
  const slug = ascii
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  return slug === '' ? 'task' : slug
}

export function branchOf(number: number, slug: string): string {
  return `feature/${padded(number)}-${slug}`
}

export function specFolderOf(number: number, slug: string): string {
  return `design/tasks/${padded(number)}_${slug}`
}

/** The first line that says something, at most 200 characters. */
export function titleOf(prompt: string): string {
  const line = prompt.split('\n').find((candidate) => candidate.trim() !== '')
  return (line ?? 'Task')
    .replace(/^#+\s*/, '')
    .trim()
    .slice(0, 200)
}
