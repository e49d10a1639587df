import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentUser, giveTo } from '../user.ts'

export interface IdentityInput {
  user: AgentUser
  runDir: string
  controlPlaneUrl: string
  token: string
  person: { name: string; email: string }
}

/**
 * Who commits, and how git signs in at the control plane: a helper that reads a file only the agent's user can read. The token is in no
 * repository's configuration and in no process's arguments, and each start of the session writes its new one.
 */
export async function writeGitIdentity({ user, runDir, controlPlaneUrl, token, person }: IdentityInput): Promise<void> {
  const credential = join(runDir, 'git-credential')
  await replace(user, credential, `username=session\npassword=${token}\n`, 0o600)
  const config = [
    `[user]\n\tname = ${quoted(person.name)}\n\temail = ${quoted(person.email)}`,
    '[push]\n\tdefault = current\n\tautoSetupRemote = true',
    '[init]\n\tdefaultBranch = main',
    '[advice]\n\tdetachedHead = false',
    // The empty helper first: no other one sees or keeps the token.
    `[credential ${quoted(new URL(controlPlaneUrl).origin)}]\n\thelper =\n\thelper = ${quoted(`!f() { test "$1" != get || cat '${credential}'; }; f`)}`,
  ]
  await replace(user, join(user.home, '.gitconfig'), `${config.join('\n')}\n`, 0o644)
}

/** https://git-scm.com/docs/git-config#_values: a line end would begin another setting. */
function quoted(value: string): string {
  const escaped = value.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/[\\"]/g, '\\$&')
  return `"${escaped}"`
}

async function replace(user: AgentUser, path: string, text: string, mode: number): Promise<void> {
  await writeFile(`${path}.new`, text, { mode })
  await giveTo(user, `${path}.new`)
  await rename(`${path}.new`, path)
}
