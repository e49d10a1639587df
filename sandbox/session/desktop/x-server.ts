import { rmSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Log } from '../log.ts'
import { Kept } from './kept.ts'
import { type DesktopPlace, display } from './place.ts'

const number = display.slice(1)
const sockets = '/tmp/.X11-unix'
const options = [
  '-depth',
  '24',
  // Nobody sees it by VNC: no port, no socket.
  ...['-rfbport', '-1', '-SecurityTypes', 'None', '-AcceptSetDesktopSize=0', '-SendCutText=0', '-AcceptCutText=0'],
  ...['-nolisten', 'tcp', '-noreset', '-displayfd', '3'],
]

export interface XServerInput {
  place: DesktopPlace
  env: Record<string, string>
  log: Log
  /** Programs can connect: at the first start, and after each one that followed an end. */
  up(): void
  down(): void
  gaveUp(reason: string): void
}

/** The X server: Xvnc without VNC (ADR 26). */
export class XServer {
  readonly kept: Kept

  constructor({ place, env, log, up, down, gaveUp }: XServerInput) {
    const { width, height } = place.rules
    this.kept = new Kept({
      name: 'the X server',
      user: place.user,
      cwd: '/',
      command: 'Xvnc',
      args: [display, '-geometry', `${width & ~1}x${height & ~1}`, ...options],
      env,
      log,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      // One that was killed leaves them, and its process's number may be another's by now.
      prepare: () => {
        for (const file of [`/tmp/.X${number}-lock`, `${sockets}/X${number}`]) rmSync(file, { force: true })
      },
      began: (child) => (child.stdio[3] as Readable).once('data', up),
      ended: down,
      gaveUp,
    })
  }

  async start(): Promise<void> {
    await mkdir(sockets, { recursive: true })
    // The server refuses a folder that anybody could empty. Where it is somebody else's it is as they have it.
    await chmod(sockets, 0o1777).catch(() => undefined)
    this.kept.start()
  }
}
