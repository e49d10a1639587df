import { realpath } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { HelixError } from '@helix/contract/errors'

const within = (folder: string, path: string): boolean => path === folder || path.startsWith(folder + sep)

/**
 * A path of the workspace, links followed, as the agent's user may then use it. Throws for one outside, for the supervisor's own folder, and, unless it may be
 * missing, for one that is not there. Links can change after the look: whoever uses the answer has no more rights than the agent.
 */
export async function pathInside(workspace: string, path: string, mayMiss: boolean): Promise<string> {
  const root = await realpath(workspace)
  const wanted = resolve(root, path.replace(/^\/workspace(?=\/|$)/, root))
  const outside = (): HelixError =>
    new HelixError('invalid_request', `path: ${path} is not inside ${workspace}`, { fields: { path: `is not inside ${workspace}` } })
  // Before the look: whether something is there is not told either.
  if (!within(root, wanted)) throw outside()
  const real = await existing(wanted, mayMiss)
  if (!within(root, real) || within(`${root}${sep}.helix`, real)) throw outside()
  return mayMiss ? wanted : real
}

/** The deepest part of the path that is there, links followed. */
async function existing(path: string, mayMiss: boolean): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') throw error
    if (!mayMiss || code === 'ELOOP') throw new HelixError('not_found', `There is no ${path}.`)
    return existing(dirname(path), mayMiss)
  }
}
