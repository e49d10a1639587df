import { execFileSync, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface GitServer extends AsyncDisposable {
  readonly port: number
  /** Other paths on the same origin, e.g. `/v1`. */
  route(prefix: string, handler: (request: IncomingMessage, response: ServerResponse) => void): void
  /** Tokens that may read and push. */
  readonly tokens: Set<string>
  /** While true every request is cut off, as when the control plane is away. */
  away: boolean
}

/** Bare repositories over smart HTTP by git's own `http-backend`, behind a token, as the control plane has them. */
export async function startGitServer(root: string): Promise<GitServer> {
  const routes = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const state = { tokens: new Set<string>(), away: false }
  const server: Server = createServer((request, response) => {
    if (state.away) {
      request.socket.destroy()
      return
    }
    const path = request.url ?? '/'
    const route = [...routes].find(([prefix]) => path.startsWith(prefix))?.[1]
    if (route !== undefined) route(request, response)
    else if (!state.tokens.has(passwordOf(request))) response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    else serveGit(root, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    route: (prefix: string, handler: (request: IncomingMessage, response: ServerResponse) => void) => void routes.set(prefix, handler),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function passwordOf(request: IncomingMessage): string {
  const [kind, value] = (request.headers.authorization ?? '').split(' ')
  if (kind !== 'Basic' || value === undefined) return ''
  return Buffer.from(value, 'base64').toString().split(':').slice(1).join(':')
}

function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://git')
  const env = {
    PATH: process.env.PATH,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: url.pathname.replace(/^\/git/, ''),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_USER: 'session',
  }
  const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  request.pipe(backend.stdin)
  let head = Buffer.alloc(0)
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    backend.stdout.off('data', onData)
    const headers = head
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(/: (.*)/s, 2) as [string, string])
    const status = headers.find(([name]) => name.toLowerCase() === 'status')?.[1] ?? '200'
    response.writeHead(Number.parseInt(status, 10), headers.filter(([name]) => name.toLowerCase() !== 'status').flat())
    response.write(head.subarray(end + 4))
    backend.stdout.pipe(response)
  }
  backend.stdout.on('data', onData)
}

/** A bare repository; with one commit of these files on `main` when there are any. */
export function makeRepository(path: string, files: Record<string, string> = {}): void {
  const git = (args: string[], input = '') =>
    execFileSync('git', ['-c', 'user.name=Seed', '-c', 'user.email=seed@example.com', ...args], {
      cwd: path,
      input,
      encoding: 'utf8',
    }).trim()
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path])
  git(['config', 'http.receivepack', 'true'])
  const rows = Object.entries(files).map(([name, text]) => `100644 blob ${git(['hash-object', '-w', '--stdin'], text)}\t${name}`)
  if (rows.length === 0) return
  const tree = git(['mktree'], `${rows.join('\n')}\n`)
  git(['update-ref', 'refs/heads/main', git(['commit-tree', tree, '-m', 'First commit'])])
}

/** What git says in a bare repository. */
export function inRepository(path: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: path, encoding: 'utf8' }).trim()
}
