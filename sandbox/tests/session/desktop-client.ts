import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DesktopDown, type DesktopUp, desktopUp, peekHeader, peekPath } from '@helix/contract/desktop-link'
import type { SessionFile } from '@helix/contract/link'
import { isRefused } from '@helix/contract/stream-bytes'
import { decodeDown, type Frame, type StreamDown } from '@helix/contract/stream-down'
import { encodeAck, encodeKey } from '@helix/contract/stream-up'
import { WebSocket } from 'ws'
import { sessionOf } from './bench.ts'

/** The variable names another build of the same. */
export const image = process.env.HELIX_TEST_SESSION_IMAGE ?? 'helix-session:dev'
const secret = 'link-secret'
const machineToken = 'machine-token'
/** The rights that a host gives on the plain rung. */
const rights = [
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'].map((name) => `--cap-add=${name}`),
]

export const docker = async (...args: string[]) => (await promisify(execFile)('docker', args, { maxBuffer: 1e8 })).stdout.trim()

/** As `withKit` of the host says it. */
function ownImage({ image, kit }: { image: string; kit: string }): string[] {
  const env = { HELIX_SESSION_KIT: '/opt/helix', HELIX_SESSION_IMAGE: image, HELIX_SESSION_FILE: '/run/helix/session.json' }
  const options = Object.entries(env).map(([name, value]) => `--env=${name}=${value}`)
  return [
    `--volume=${kit}:/opt/helix:ro`,
    ...options,
    '--user=0:0',
    '--entrypoint=/opt/helix/tini',
    image,
    '--',
    '/opt/helix/node',
    '/opt/helix/supervisor.mjs',
  ]
}

/** A session’s machine without a control plane: its desktop needs none. */
export class DesktopMachine implements AsyncDisposable {
  readonly id: string
  readonly address: string

  private constructor(id: string, address: string) {
    this.id = id
    this.address = address
  }

  /** `change`: of the session; `options`: of its container; `own`: on an image that is not Helix’s, with a volume that has the kit. */
  static async start(
    desktop: Partial<SessionFile['desktop']> = {},
    change: Partial<SessionFile> = {},
    options: readonly string[] = [],
    own?: { image: string; kit: string },
  ): Promise<DesktopMachine> {
    const rules = { enabled: true, width: 1280, height: 720, scale: 100, fps: 60, ...desktop }
    const session: SessionFile = { ...sessionOf(9, 'token', 1), machineToken, repositories: [], desktop: rules, ...change }
    const folder = await mkdtemp(join(tmpdir(), 'helix-desktop-'))
    await mkdir(join(folder, 'helix'))
    await writeFile(join(folder, 'helix', 'session.json'), JSON.stringify(session), { mode: 0o600 })
    const runs = own === undefined ? [image] : ownImage(own)
    const id = await docker('create', '--label=helix.test=session', ...rights, ...options, ...runs)
    await docker('cp', join(folder, 'helix'), `${id}:/run/`)
    await rm(folder, { recursive: true })
    await docker('start', id)
    return new DesktopMachine(id, await docker('inspect', '--format', '{{.NetworkSettings.IPAddress}}', id))
  }

  dial(authorization = `Bearer ${secret}`): WebSocket {
    return new WebSocket(`ws://${this.address}:7070/desktop`, { headers: { authorization } })
  }

  /** Connects as a host does, once the supervisor listens. */
  async connect(): Promise<DesktopClient> {
    for (let tries = 0; ; tries++) {
      const socket = this.dial()
      const client = new DesktopClient(socket)
      const open = await new Promise<boolean>((resolve) => socket.once('open', () => resolve(true)).once('error', () => resolve(false)))
      if (open) return client
      if (tries > 200) throw new Error(`nothing listens: ${await docker('logs', this.id)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Resolves when the supervisor listens; the desktop is not started by that. */
  async listening(): Promise<void> {
    for (let tries = 0; ; tries++) {
      if ((await this.exec('echo up').catch(() => '')) === 'up') return
      if (tries > 400) throw new Error(`nothing listens: ${await docker('logs', this.id)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** What a command of a person answers, in the session’s own environment. */
  async exec(command: string): Promise<string> {
    const answer = await fetch(`http://${this.address}:7070/exec`, {
      method: 'POST',
      headers: { authorization: `Bearer ${machineToken}` },
      body: JSON.stringify({ command }),
    })
    return ((await answer.json()) as { stdout: string }).stdout.trim()
  }

  /** Its answer once it is what is waited for. */
  async until(command: string, wanted: (said: string) => boolean): Promise<string> {
    for (let tries = 0; ; tries++) {
      const said = await this.exec(command)
      if (wanted(said)) return said
      if (tries > 100) throw new Error(`${command} still says: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** What a host that looks from far is answered. */
  async peek(have: string): Promise<{ status: number; have: string; bytes: Uint8Array }> {
    const headers = { authorization: `Bearer ${secret}` }
    const answer = await fetch(`http://${this.address}:7070${peekPath}?have=${have}`, { headers })
    return { status: answer.status, have: answer.headers.get(peekHeader) ?? '', bytes: new Uint8Array(await answer.arrayBuffer()) }
  }

  async pidOf(program: string): Promise<number> {
    return Number(await docker('exec', this.id, 'pgrep', '-o', '-f', program))
  }

  async kill(program: string): Promise<void> {
    await docker('exec', this.id, 'pkill', '-KILL', '-f', program)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker('rm', '--force', this.id)
  }
}

/** The host’s side of a desktop. */
export class DesktopClient {
  readonly words: DesktopUp[] = []
  readonly messages: StreamDown[] = []
  /** Frames are acknowledged at once. */
  taking = true
  closed = false
  private readonly socket: WebSocket

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('close', () => (this.closed = true))
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) return void this.words.push(desktopUp.parse(JSON.parse(String(data))))
      const message = decodeDown(new Uint8Array(data))
      if (isRefused(message)) throw new Error(JSON.stringify(message))
      this.messages.push(message)
      if (message.type === 'frame' && this.taking) this.sendBytes(encodeAck({ sequence: message.sequence, decodeUs: 0 }))
    })
  }

  get frames(): Frame[] {
    return this.messages.filter((message) => message.type === 'frame')
  }

  send(word: DesktopDown): void {
    this.socket.send(JSON.stringify(word))
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.send(bytes)
  }

  sendRaw(text: string): void {
    this.socket.send(text)
  }

  press(...keysyms: number[]): void {
    for (const keysym of keysyms) this.sendBytes(encodeKey({ keysym, down: true }))
    for (const keysym of keysyms.toReversed()) this.sendBytes(encodeKey({ keysym, down: false }))
  }

  async until<T>(what: string, look: () => T | undefined | false | null): Promise<T> {
    for (let tries = 0; tries < 1500; tries++) {
      const found = look()
      if (found !== undefined && found !== false && found !== null) return found
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`never came: ${what}; said: ${JSON.stringify(this.words.slice(-3))}`)
  }

  /** The next key frame from now on. */
  async keyFrame(): Promise<Frame> {
    const after = this.messages.length
    return this.until('a key frame', () =>
      this.messages.slice(after).find((message): message is Frame => message.type === 'frame' && message.key),
    )
  }

  /** Looks on, until the screen has come to rest. */
  async watch(): Promise<void> {
    this.send({ type: 'viewers', count: 1 })
    await this.until('a key frame', () => this.frames.some(({ key }) => key))
    await this.rest()
  }

  async rest(): Promise<void> {
    for (let before = -1; before !== this.frames.length; ) {
      before = this.frames.length
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }

  close(): void {
    this.socket.close()
  }
}
