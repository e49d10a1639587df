import { isOlder, type Survey } from './survey.ts'

/** What the agents that come as programs need. */
export const leastGlibc = '2.28'
/** Worktrees and what checkpoints are made with. */
export const leastGit = '2.25'

export interface Wants {
  image: string
  /** This host gives sessions a Docker engine of their own, if their image has one. */
  innerDocker: boolean
}

/** What an image lacks and what that means, one sentence each, for people. */
export function sentencesOf(survey: Survey, { image, innerDocker }: Wants): string[] {
  const { shell, git, dockerd, certificates, glibc } = survey
  const lacks: string[] = []
  if (shell === null) lacks.push('It has no shell: a small one (dash) was put in, and most programs that an agent calls will be missing.')
  else if (!shell.endsWith('bash')) lacks.push(`It has no bash: terminals, commands and the start-up script run in ${shell}.`)
  if (git === null) lacks.push('It has no git: Helix’s own is used.')
  else if (isOlder(git, leastGit)) lacks.push(`Its git ${git} is older than ${leastGit}: Helix’s own is used instead.`)
  if (!certificates) lacks.push('It trusts no certificate authorities: Helix’s own list is used.')
  if (innerDocker && !dockerd) lacks.push('It has no Docker engine (dockerd): there is no Docker inside this session.')
  if (glibc === 'other') lacks.push('It has no glibc: Helix’s own is used for the agent.')
  else if (isOlder(glibc, leastGlibc)) lacks.push(`Its glibc ${glibc} is older than ${leastGlibc}: the agent may not start.`)
  return lacks.length === 0 ? [] : [`The session runs on the image ${image}.`, ...lacks]
}

/** Likewise in a few words, for the list of a start's steps. Empty: nothing is missing. */
export function lacksOf({ shell, git, dockerd, certificates, glibc }: Survey, { innerDocker }: Wants): string {
  const all: [boolean, string][] = [
    [shell === null, 'shell'],
    [shell !== null && !shell.endsWith('bash'), 'bash'],
    [git === null, 'git'],
    [!certificates, 'certificates'],
    [innerDocker && !dockerd, 'Docker'],
    [glibc === 'other', 'glibc'],
  ]
  return all.flatMap(([missing, what]) => (missing ? [what] : [])).join(', ')
}
