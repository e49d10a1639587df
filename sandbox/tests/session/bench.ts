import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { plainDesktop } from '@helix/contract/desktop'
import type { SessionFile } from '@helix/contract/link'
import { type GitServer, makeRepository, startGitServer } from './git-server.ts'
import { LinkClient } from './link-client.ts'
import { type Script, scriptedModel } from './scripted-model.ts'

const secret = 'link-secret'
export const branch = 'feature/000001-add-a-greeting'

export interface Bench extends AsyncDisposable {
  readonly folder: string
  readonly server: GitServer
  /** The bare repository `sample`. */
  readonly repository: string
  /** Starts a supervisor over a workspace; the same name means the same volume. */
  start(options?: StartOptions): Promise<Running>
}

export interface StartOptions {
  workspace?: string
  epoch?: number
  session?: Partial<SessionFile>
}

export interface Running {
  readonly child: ChildProcess
  readonly link: LinkClient
  readonly workspace: string
  readonly output: () => string
  dial(earlier?: LinkClient): Promise<LinkClient>
  kill(signal: NodeJS.Signals): Promise<number | null>
}

/** A control plane made of real git and a scripted model, and supervisors as processes of this machine. */
export async function openBench(input: { script: Script; files?: Record<string, string>; packs: string }): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'helix-session-'))
  const repository = join(folder, 'repositories', 'sample.git')
  makeRepository(repository, input.files ?? { 'README.md': '# Sample\n' })
  const server = await startGitServer(join(folder, 'repositories'))
  server.route('/v1', scriptedModel(input.script))
  const children: ChildProcess[] = []
  return {
    folder,
    server,
    repository,
    start: (options) => startSupervisor({ folder, server, packs: input.packs, children }, options),
    async [Symbol.asyncDispose]() {
      for (const child of children) if (child.exitCode === null) child.kill('SIGTERM')
      await Promise.all(
        children.map((child) => child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('exit', resolve))),
      )
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startSupervisor(
  bench: { folder: string; server: GitServer; packs: string; children: ChildProcess[] },
  { workspace: name = 'workspace', epoch = 1, session = {} }: StartOptions = {},
): Promise<Running> {
  const workspace = join(bench.folder, name)
  const token = `token-${name}-${epoch}`
  bench.server.tokens.clear()
  bench.server.tokens.add(token)
  const file = join(bench.folder, `session-${name}-${epoch}.json`)
  await writeFile(file, JSON.stringify({ ...sessionOf(bench.server.port, token, epoch), ...session }))
  const port = await freePort()
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', 'session', 'main.ts')], {
    env: {
      PATH: process.env.PATH,
      HELIX_SESSION_FILE: file,
      HELIX_WORKSPACE: workspace,
      HELIX_AGENT_PACKS: bench.packs,
      HELIX_AGENT_HOME: join(bench.folder, `home-${name}-${epoch}`),
      HELIX_RUN_DIR: join(bench.folder, `run-${name}-${epoch}`),
      HELIX_LINK_PORT: String(port),
      HELIX_AGENT_UID: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  bench.children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const dial = (earlier?: LinkClient) => LinkClient.dial(port, secret, earlier ? { earlier } : {})
  return {
    child,
    link: await dial(),
    workspace,
    output: () => output,
    dial,
    kill(signal) {
      const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
      child.kill(signal)
      return ended
    },
  }
}

export function sessionOf(port: number, token: string, epoch: number, host = '127.0.0.1'): SessionFile {
  return {
    sessionId: 'ses_01h455vb4pex5vsknk084sn02q',
    epoch,
    linkSecret: secret,
    machineToken: '',
    agentRuntime: 'goose_code',
    model: 'scripted',
    demo: true,
    controlPlaneUrl: `http://${host}:${port}`,
    token,
    gitIdentity: { name: 'Ada "the first" Lovelace', email: 'ada@example.com' },
    startUp: null,
    kept: { last: 0, from: null, turn: null },
    secrets: [],
    repositories: [{ name: 'sample', clonePath: '/git/sample.git', defaultBranch: 'main', baseBranch: 'main', branch, primary: true }],
    innerDocker: 'none',
    keepsLayers: false,
    keepsClones: [],
    nameservers: [],
    permissionMode: 'allow',
    patient: false,
    desktop: plainDesktop,
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
