import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, reasonOf } from '../log.ts'
import { run } from '../run.ts'
import { makeFolder } from '../user.ts'
import type { DesktopPlace } from './place.ts'

const deadlineMs = 5000
const templates = ['xsettings.conf', 'openbox.xml', 'tint2rc'] as const
const colours = {
  light: { THEME: 'Adwaita', FRAME: 'Helix-light', PANEL: '#f4f6fa', TEXT: '#1c2430', FAINT: '#d5dbe6' },
  dark: { THEME: 'Adwaita-dark', FRAME: 'Helix-dark', PANEL: '#171b26', TEXT: '#e6eaf2', FAINT: '#2c3344' },
}

/** How the desktop looks: the settings of its programs, and its background. */
export class Look {
  dark = false
  private readonly place: DesktopPlace
  private readonly env: Record<string, string>
  private readonly log: Log

  constructor(place: DesktopPlace, env: Record<string, string>, log: Log) {
    this.place = place
    this.env = env
    this.log = log
  }

  fileOf(name: (typeof templates)[number]): string {
    return join(this.place.settings, name)
  }

  /** Writes the settings for the programs to read. */
  async write(): Promise<void> {
    const { settings, sockets, programs, rules, user } = this.place
    await mkdir(settings, { recursive: true, mode: 0o755 })
    await makeFolder(user, sockets, 0o700)
    const words: Record<string, string> = {
      ...colours[this.dark ? 'dark' : 'light'],
      DPI: String(Math.round(96 * 1024 * (rules.scale / 100))),
      PANEL_HEIGHT: String(Math.round(34 * (rules.scale / 100))),
    }
    for (const name of templates) {
      const text = await readFile(join(programs, 'share', name), 'utf8')
      await writeFile(
        this.fileOf(name),
        text.replaceAll(/@([A-Z_]+)@/g, (whole, word: string) => words[word] ?? whole),
      )
    }
  }

  /** Paints the background at the size that the screen has now. That it cannot is told and no harm. */
  async paint(): Promise<void> {
    const { user, programs } = this.place
    try {
      const said = await run(user, join(programs, 'helix-wallpaper'), [this.dark ? 'dark' : 'light'], {
        cwd: '/',
        env: this.env,
        timeoutMs: deadlineMs,
      })
      if (said.code !== 0) throw new Error(said.stderr.trim() || `code ${said.code}`)
    } catch (error) {
      this.log.warn('the desktop has no background', { reason: reasonOf(error) })
    }
  }
}
