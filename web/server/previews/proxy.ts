import { type IncomingMessage, type OutgoingHttpHeaders, request as requestHttp, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HelixError } from '@helix/contract/errors'
import type { Context } from '../context.ts'
import { machineHeaders } from '../machine/client.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { splice, upgrade } from '../tunnels/splice.ts'
import { Admission, passName } from './admission.ts'
import { fromApplication, toApplication } from './headers.ts'
import { type PreviewHost, previewOf, previewOrigin } from './host-name.ts'
import { ticketStore } from './tickets/store.ts'

/** Where a ticket is handed in; no application has such a path. */
export const enterPath = '/__helix/enter'
/** Units: milliseconds until an answer begins. */
const answerMs = 120_000
/** Requests of one preview at once; more wait for nothing and are told so. */
const mostAtOnce = 200

/** Serves what sessions listen on, each port on a host name of its own. */
export class Previews {
  private readonly context: Context
  readonly admission: Admission
  private readonly busy = new Map<string, number>()

  constructor(context: Context) {
    this.context = context
    this.admission = new Admission(context)
  }

  /** True: the request was for a preview and is answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const host = previewOf(this.context.config, request.headers.host)
    if (host === null) return false
    this.serve(host, request, response).catch((error: unknown) => tell(response, error))
    return true
  }

  upgrade(request: IncomingMessage): UpgradeHandler | null {
    const host = previewOf(this.context.config, request.headers.host)
    return host === null ? null : (_, socket, head) => this.serveUpgrade(host, request, socket, head)
  }

  private async serve(host: PreviewHost, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://preview')
    if (url.pathname === enterPath) return this.enter(host, url, response)
    if (!(await this.admission.admits(host, request.headers))) return notFound(response)
    await this.counted(host, () => this.forward(host, request, response))
  }

  /** Hands the ticket in for a cookie of this host, and leads on. */
  private async enter(host: PreviewHost, url: URL, response: ServerResponse): Promise<void> {
    const { config, db } = this.context
    const who = await ticketStore.use(db, url.searchParams.get('ticket') ?? '', host)
    if (who === null) return notFound(response)
    const to = url.searchParams.get('to') ?? '/'
    const flags = `HttpOnly; SameSite=Lax; Path=/${config.secure ? '; Secure' : ''}`
    response.setHeader('set-cookie', `${passName(config.secure)}=${this.admission.passFor(host, who.orgId, who.userId)}; ${flags}`)
    response.setHeader('referrer-policy', 'no-referrer')
    response.setHeader('cache-control', 'no-store')
    // A path alone: never another site's address.
    response.writeHead(302, { location: /^\/(?![/\\])/.test(to) ? to : '/' }).end()
  }

  private async counted(host: PreviewHost, work: () => Promise<void>): Promise<void> {
    const key = `${host.sessionId}/${host.port}`
    const count = this.busy.get(key) ?? 0
    if (count >= mostAtOnce) throw new HelixError('rate_limited', `${mostAtOnce} requests of this preview are under way.`)
    this.busy.set(key, count + 1)
    try {
      await work()
    } finally {
      const left = (this.busy.get(key) ?? 1) - 1
      if (left === 0) this.busy.delete(key)
      else this.busy.set(key, left)
    }
  }

  /** A connection to the port, as if made inside the session. */
  private async connect({ sessionId, port }: PreviewHost): Promise<Duplex> {
    this.context.use.touch(sessionId)
    const { bytes, epoch } = await this.context.tunnels.dial(sessionId)
    const headers = { ...machineHeaders(this.context, sessionId, epoch), connection: 'Upgrade', upgrade: 'helix-tcp' }
    try {
      return (await upgrade({ url: `http://session/connect/${port}`, headers, deadlineMs: 5000, createConnection: () => bytes })).socket
    } catch {
      throw new HelixError('machine_unavailable', `Nothing listens on port ${port} in this session. Start it, and reload this page.`)
    }
  }

  private async forward(host: PreviewHost, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const origin = previewOrigin(this.context.config, host) ?? ''
    const bytes = await this.connect(host)
    response.once('close', () => bytes.destroy())
    const headers = { ...toApplication(request.headers, origin, host.port), connection: 'close' }
    const answer = await this.ask(host, request, headers, bytes)
    response.writeHead(answer.statusCode ?? 502, fromApplication(answer.headers, origin, host.port))
    await pipeline(answer, response).catch(() => response.destroy())
    bytes.destroy()
  }

  private ask(host: PreviewHost, request: IncomingMessage, headers: OutgoingHttpHeaders, bytes: Duplex): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      // Not the request's own timeout: that one belongs to sockets, and a tunnel is none.
      const timer = setTimeout(() => bytes.destroy(new Error('it does not answer')), answerMs)
      const { method, url: path } = request
      const asked = requestHttp({ method, path, headers, createConnection: () => bytes as never }, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      asked.once('error', (error) => {
        clearTimeout(timer)
        reject(new HelixError('machine_unavailable', `The server on port ${host.port} broke off: ${error.message}`))
      })
      request.pipe(asked)
    })
  }

  private async serveUpgrade(host: PreviewHost, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!(await this.admission.admits(host, request.headers))) return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    const origin = previewOrigin(this.context.config, host) ?? ''
    // A page elsewhere must not talk with the rights of the person who looks at it.
    if (request.headers.origin !== undefined && request.headers.origin !== origin)
      return void socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n')
    try {
      const bytes = await this.connect(host)
      const headers = toApplication(request.headers, origin, host.port, ['connection', 'upgrade'])
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      bytes.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
      if (head.length > 0) bytes.write(head)
      splice(socket, bytes)
      this.context.streams.signal.addEventListener('abort', () => socket.destroy(), { once: true })
    } catch {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n')
    }
  }
}

function page(response: ServerResponse, status: number, title: string, text: string): void {
  const escaped = text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
  const style = 'font:16px/1.5 system-ui;margin:15vh auto;max-width:32rem;padding:0 1rem;color-scheme:light dark'
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    })
    .end(
      `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>${title}</title><body style="${style}"><h1>${title}</h1><p>${escaped}</p></body></html>`,
    )
}

/** The same for strangers and for what is not there. */
function notFound(response: ServerResponse): void {
  page(response, 404, 'Not found', 'There is nothing here, or it is not yours to see. Open a preview from the page of its session.')
}

function tell(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const known = error instanceof HelixError ? error : new HelixError('internal')
  page(response, known.code === 'machine_unavailable' ? 502 : known.status, 'No preview now', known.message)
}
