import { join } from 'node:path'
import type { Log } from '../log.ts'
import { Kept } from './kept.ts'
import type { Look } from './look.ts'
import type { DesktopPlace } from './place.ts'

/** What there is besides the screen: each is kept running, and the desktop is one without it. */
export class Programs {
  private readonly all: Kept[]
  private readonly panel: Kept
  private readonly windows: Kept
  private readonly settings: Kept

  constructor(place: DesktopPlace, env: Record<string, string>, look: Look, log: Log) {
    const { user, cwd, sockets, programs } = place
    const kept = (name: string, command: string, ...args: string[]) =>
      new Kept({
        name,
        user,
        cwd,
        command,
        args,
        env,
        log,
        gaveUp: (reason) => log.warn('the desktop goes without one of its programs', { reason }),
      })
    this.windows = kept('the window manager', 'openbox', '--config-file', look.fileOf('openbox.xml'))
    this.panel = kept('the panel', 'tint2', '-c', look.fileOf('tint2rc'))
    this.settings = kept('the settings daemon', 'xsettingsd', '-c', look.fileOf('xsettings.conf'))
    this.all = [
      this.windows,
      this.settings,
      kept('the message bus', 'dbus-daemon', '--session', `--address=unix:path=${sockets}/bus`, '--nofork', '--nopidfile', '--nosyslog'),
      this.panel,
      kept('the sound server', 'pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '-F', join(programs, 'share', 'pulse.pa')),
    ]
  }

  start(): void {
    for (const one of this.all) one.start()
  }

  stop(): void {
    for (const one of this.all) one.stop()
  }

  /** They read their settings again. */
  restyle(): void {
    this.settings.signal('SIGHUP')
    this.windows.signal('SIGUSR2')
    this.panel.signal('SIGUSR1')
  }

  get pids(): Record<string, number | null> {
    return { windows: this.windows.pid, panel: this.panel.pid, settings: this.settings.pid }
  }
}
