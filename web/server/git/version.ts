import type { Git } from './run.ts'

/** `merge-tree --write-tree` appeared in 2.38. */
const needed = [2, 38] as const

/** Throws a sentence for the operator when git is missing or too old. */
export async function checkGitVersion(git: Git): Promise<string> {
  const { stdout } = await git(['version']).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error(`git was not found on the PATH: install git ${needed.join('.')} or newer`)
    throw error
  })
  const found = /(\d+)\.(\d+)[.\w]*/.exec(stdout.toString())
  const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)]
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return found?.[0] ?? ''
  throw new Error(`git ${needed.join('.')} or newer is needed, found ${stdout.toString().trim()}: install a newer git`)
}
