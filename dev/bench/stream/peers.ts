import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { decodeCaptured, encodeRun, LengthReader, withLength } from '@helix/contract/stream-capture'
import { encodeTaken } from '@helix/sandbox/session/desktop/commands.ts'
import { sessionImage } from '../../config.ts'
import { installPackages } from '../../setup/debian.mjs'
import { say } from '../../setup/progress.mjs'
import { processorShare, residentMb } from './processes.ts'

const run = promisify(execFile)
const display = ':97'
const size = { width: 1920, height: 1080, fps: 60 }
/** Units: seconds. */
const settle = 2
const measured = 10
const scenes = [
  { name: 'still', mode: 'still', rate: 1 },
  { name: 'typing', mode: 'type', rate: 10 },
  { name: 'scrolling', mode: 'scroll', rate: 60 },
] as const
export type SceneName = (typeof scenes)[number]['name']

export interface PeerLoad {
  peer: string
  /** Units: percent of one core. */
  share: Record<SceneName, number>
  /** Units: MB. */
  resident: number
}

/** The frames are taken as the supervisor takes them, and thrown away. */
function drain(child: ChildProcess): void {
  const reader = new LengthReader()
  child.stdin?.write(withLength(encodeRun(true)))
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const bytes of reader.read(chunk)) {
      const message = bytes instanceof Uint8Array ? decodeCaptured(bytes) : bytes
      if (message.type === 'frame') child.stdin?.write(withLength(encodeTaken(message.sequence)))
    }
  })
}

/** Our own program out of the session image, with the libraries that it finds there. */
async function ours(folder: string): Promise<() => ChildProcess> {
  const { stdout } = await run('docker', ['create', sessionImage])
  const id = stdout.trim()
  try {
    const list = `for f in /opt/helix/desktop/helix-capture $(ldd /opt/helix/desktop/helix-capture | grep -o '/[^ ]*'); do echo $f; done`
    const libraries = await run('docker', ['run', '--rm', '--entrypoint', 'sh', sessionImage, '-c', list])
    for (const path of libraries.stdout.trim().split('\n')) await run('docker', ['cp', '-L', `${id}:${path}`, folder])
  } finally {
    await run('docker', ['rm', id])
  }
  const loader = join(folder, 'ld-linux-x86-64.so.2')
  return () => {
    const program = ['--library-path', folder, join(folder, 'helix-capture'), '--display', display]
    const child = spawn(loader, program, { stdio: ['pipe', 'pipe', 'inherit'] })
    drain(child)
    return child
  }
}

function ffmpeg(): ChildProcess {
  const input = ['-f', 'x11grab', '-framerate', String(size.fps), '-video_size', `${size.width}x${size.height}`, '-i', display]
  const output = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '23', '-g', '100000', '-f', 'h264', '-']
  const child = spawn('ffmpeg', ['-loglevel', 'error', ...input, ...output], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout?.resume()
  return child
}

/** Null: it cannot be had here. */
async function pixelflux(folder: string): Promise<(() => ChildProcess) | null> {
  try {
    await run('python3', ['-m', 'venv', join(folder, 'venv')])
    await run(join(folder, 'venv/bin/pip'), ['install', '--quiet', '--only-binary', ':all:', 'pixelflux'], { timeout: 180_000 })
  } catch {
    return null
  }
  const script = join(import.meta.dirname, 'pixelflux-peer.py')
  const args = [script, String(size.width), String(size.height), String(size.fps)]
  return () =>
    spawn(join(folder, 'venv/bin/python'), args, { env: { ...process.env, DISPLAY: display }, stdio: ['ignore', 'ignore', 'inherit'] })
}

async function loadOf(peer: string, start: () => ChildProcess): Promise<PeerLoad> {
  const child = start()
  try {
    const share = {} as Record<SceneName, number>
    let resident = 0
    for (const { name, mode, rate } of scenes) {
      const scene = spawn('python3', [join(import.meta.dirname, 'scene.py'), mode, String(rate)], {
        env: { ...process.env, DISPLAY: display },
        stdio: 'inherit',
      })
      try {
        await sleep(settle * 1000)
        share[name] = await processorShare(child.pid as number, measured)
        resident = Math.max(resident, residentMb(child.pid as number))
      } finally {
        scene.kill()
      }
    }
    return { peer, share, resident }
  } finally {
    child.kill()
  }
}

/** A peer that does not run here is left out, and that is said. */
async function loadOrNone(peer: string, start: () => ChildProcess): Promise<PeerLoad[]> {
  try {
    return [await loadOf(peer, start)]
  } catch (error) {
    say(`${peer} ended: ${error instanceof Error ? error.message : error}`)
    return []
  }
}

/** What capturing and encoding the same X server costs, ours beside others, one after the other. Peers that cannot be had are left out. */
export async function peerLoads(): Promise<PeerLoad[]> {
  await installPackages(
    ['xvfb', 'ffmpeg', 'python3-venv', 'libgbm1', 'libpixman-1-0', 'libxkbcommon0'],
    'The comparison with other encoders',
  )
  const folder = mkdtempSync(join(tmpdir(), 'helix-peers-'))
  const screen = `${size.width}x${size.height}x24`
  const server = spawn('Xvfb', [display, '-screen', '0', screen, '-nolisten', 'tcp'], { stdio: 'ignore' })
  try {
    for (let look = 0; look < 100 && !existsSync(`/tmp/.X11-unix/X${display.slice(1)}`); look++) await sleep(50)
    const loads = [await loadOf('helix', await ours(folder)), await loadOf('ffmpeg x11grab + x264', ffmpeg)]
    const other = await pixelflux(folder)
    if (other !== null) loads.push(...(await loadOrNone('pixelflux', other)))
    return loads
  } finally {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
