import { constants, rmSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
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
        for (const file of [`/tmp/.X${number}-lock`, `${sockets}/X${number}`]) remove(file)
      },
      began: (child) => (child.stdio[3] as Readable).once('data', up),
      ended: down,
      gaveUp,
    })
  }

  async start(): Promise<void> {
    await makeSockets()
    this.kept.start()
  }
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // Whatever stands there is not the server's own; it says so itself.
  }
}

/** As the server wants it: nobody else's, and nobody removes another's. One that is there already may be the agent's trap, and is left as it is. */
async function makeSockets(): Promise<void> {
  const made = await mkdir(sockets).then(
    () => true,
    () => false,
  )
  if (!made) return
  await using folder = await open(sockets, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  await folder.chmod(0o1777)
}
