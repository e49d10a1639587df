import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { chown, mkdir } from 'node:fs/promises'
import type { Config } from './config.ts'
import { ownImage, type Surroundings } from './image/surroundings.ts'

/** The unprivileged user that git and the agent run as. */
export interface AgentUser {
  /** Null when the supervisor has no rights to give up. */
  readonly ids: { uid: number; gid: number } | null
  readonly home: string
  /** A person's shell; a command follows behind `-c`. Absent: bash. */
  readonly shell?: readonly string[]
  readonly env: Record<string, string>
}

const usualPath = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'

export function createAgentUser(config: Config, { shell, userName, env }: Surroundings = ownImage): AgentUser {
  const drops = process.getuid?.() === 0 && config.agentUid !== 0
  return {
    ids: drops ? { uid: config.agentUid, gid: config.agentUid } : null,
    home: config.agentHome,
    shell,
    env: {
      ...config.network,
      HOME: config.agentHome,
      ...env,
      USER: userName,
      LOGNAME: userName,
      SHELL: shell[0] ?? '/bin/sh',
      LANG: config.network.LANG ?? 'C.UTF-8',
      // What the image has wins over what the kit brings along.
      PATH: [
        `${config.agentHome}/.local/bin`,
        config.path || usualPath,
        ...(config.kit === null ? [] : [usualPath, `${config.kit}/bin`]),
      ].join(':'),
      NPM_CONFIG_PREFIX: `${config.agentHome}/.local`,
    },
  }
}

/** Starts a program as the agent’s user, in a process group of its own, so that what it starts can be ended with it. */
export function spawnAs(user: AgentUser, command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn(command, args, {
    detached: true,
    ...options,
    ...(user.ids ?? {}),
    env: { ...user.env, ...options.env },
  })
}

/** Makes a folder that belongs to the agent. */
export async function makeFolder(user: AgentUser, path: string, mode = 0o755): Promise<void> {
  await mkdir(path, { recursive: true, mode })
  await giveTo(user, path)
}

export async function giveTo(user: AgentUser, path: string): Promise<void> {
  if (user.ids !== null) await chown(path, user.ids.uid, user.ids.gid)
}

/** What a person's commands and terminals run in. */
export const shellOf = (user: AgentUser): [string, ...string[]] => {
  const [program, ...options] = user.shell ?? []
  return program === undefined ? ['/bin/bash', '-l'] : [program, ...options]
}
