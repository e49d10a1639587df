import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { DesktopRules } from '@helix/contract/desktop'
import type { Config } from '../config.ts'
import type { AgentUser } from '../user.ts'

/** Where a session's desktop lives. */
export interface DesktopPlace {
  user: AgentUser
  /** Where programs begin. */
  cwd: string
  /** What programs are set up with; the supervisor writes it, and nobody else may. */
  settings: string
  /** Sockets; it belongs to the agent's user. */
  sockets: string
  /** Our own programs, and below `share` what they and others are set up with. */
  programs: string
  rules: DesktopRules
}

/** Not 0: a display of that name may be forwarded into the machine. */
export const display = ':1'

const settingsOf = (config: Config): string => join(config.runDir, 'desktop')
const socketsOf = (config: Config): string => join(settingsOf(config), 'run')

/** What makes a program part of the desktop; every process of the session has it, whether or not the desktop runs. */
export function desktopEnvironment(config: Config): Record<string, string> {
  const sockets = socketsOf(config)
  return {
    DISPLAY: display,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${sockets}/bus`,
    PULSE_SERVER: `unix:${sockets}/pulse`,
    BROWSER: 'helix-browser',
  }
}

export function placeOf(config: Config, user: AgentUser, rules: DesktopRules): DesktopPlace {
  return { user, cwd: config.workspace, settings: settingsOf(config), sockets: socketsOf(config), programs: config.desktopPrograms, rules }
}

/** Null: a desktop can be started. Else one sentence for people. */
export async function whyNoDesktop(rules: DesktopRules, config: Config, user: AgentUser): Promise<string | null> {
  if (!rules.enabled) return 'Desktops are switched off in the settings of this project: switch them on there and start the session again.'
  const server = await firstRunnable((user.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'Xvnc')))
  const ours = await firstRunnable([join(config.desktopPrograms, 'helix-capture')])
  if (server && ours) return null
  if (config.kit === null) return 'The session image was made without a desktop.'
  return `The image ${config.image} has no X server that Helix can show (Xvnc, of TigerVNC): sessions on it have no desktop. Add it to the image, or use the session image of Helix.`
}

async function firstRunnable(files: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    files.map((file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return found.includes(true)
}
