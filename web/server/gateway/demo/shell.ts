/** One word for a POSIX shell, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Writes a file whose content no shell can misread. */
export function writeFile(path: string, content: string): string {
  return `mkdir -p "$(dirname ${quote(path)})" && printf %s ${quote(Buffer.from(content).toString('base64'))} | base64 -d > ${quote(path)}`
}

/** Printed when a step went wrong: the script says so and ends its turn. */
export const failureMark = 'HELIX_DEMO_FAILED'

/** Commits what is staged; nothing staged is fine, so that a repetition makes no second commit. */
export function commit(folder: string, paths: string, message: string): string {
  return `cd ${quote(folder)} && git add -- ${paths} && (git diff --cached --quiet || git commit -q -m ${quote(message)})`
}

/** Pushes HEAD to a branch that others push too; a refused push is rebased and tried again, bounded. */
export function push(branch: string): string {
  const name = quote(branch)
  return [
    `for try in 1 2 3 4 5 6 7 8 9 10 11 12; do`,
    `  if git push -q origin HEAD:${name}; then echo "pushed ${branch.replace(/[^\w./-]/g, '')} at $(git rev-parse --short HEAD)"; break; fi`,
    `  sleep 1`,
    `  if git fetch -q origin ${name}; then git rebase -q FETCH_HEAD || git rebase --abort; fi`,
    `  if [ "$try" = 12 ]; then echo ${failureMark} push; fi`,
    `done`,
  ].join('\n')
}
