/** Units: characters. */
const slugLength = 40
const titleLength = 200

/** `000007`: sorts as text and stays readable up to a million tasks of a project. */
export function padded(number: number): string {
  return String(number).padStart(6, '0')
}

/** ASCII, lower case, dashes, at most 40 characters, never empty, and none of those taken. */
export function slugOf(title: string, taken: ReadonlySet<string> = new Set()): string {
  const words = title
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
  const within = (length: number): string => words.slice(0, length).replace(/-+$/, '') || 'task'
  let slug = within(slugLength)
  for (let count = 2; taken.has(slug); count++) slug = `${within(slugLength - `-${count}`.length)}-${count}`
  return slug
}

export function branchOf(number: number, slug: string): string {
  return `feature/${padded(number)}-${slug}`
}

export function specFolderOf(number: number, slug: string): string {
  return `design/tasks/${padded(number)}_${slug}`
}

/** One line without control characters, at most 200 characters: titles go into commit messages and into data that agents read. */
export function tidyTitle(text: string): string {
  return text
    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, titleLength)
    .replace(/[\ud800-\udbff]$/, '')
}

/** The first line that says something. */
export function titleOf(prompt: string): string {
  const lines = prompt.split('\n').map((line) => tidyTitle(line.replace(/^\s*#+\s*/, '')))
  return lines.find((line) => line !== '') ?? 'Task'
}
