import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { HelixError } from '@helix/contract/errors'
import { Agent } from 'undici'
import type { Candidate, ConversationDialect } from '../ports/candidate.ts'
import type { Counts } from '../ports/counts.ts'
import type { Translate } from '../ports/translated.ts'
import { faultBody, faultOf } from '../translate/fault.ts'
import type { Download } from '../translate/fit/files.ts'
import { createTranslate } from '../translate/translate.ts'

function dialectOf(path: string): ConversationDialect {
  if (path.endsWith('/chat/completions')) return 'chat'
  if (path.endsWith('/responses')) return 'responses'
  return path.endsWith('/messages') ? 'messages' : 'generate'
}

/** As the gateway ends a broken stream. */
function broken(dialect: ConversationDialect, body: string): string {
  if (dialect === 'chat' || dialect === 'generate') return `data: ${body}\n\n`
  const { message } = (JSON.parse(body) as { error: { message: string } }).error
  const data =
    dialect === 'messages' ? body : JSON.stringify({ type: 'error', code: 'provider_failed', message, param: null, sequence_number: 0 })
  return `event: error\ndata: ${data}\n\n`
}

/** The translation behind a server of its own: what the gateway does around it is tested with the gateway. */
export class Front implements AsyncDisposable {
  private readonly server: Server
  private readonly agent = new Agent()
  private readonly translate: Translate
  candidate: Candidate | null = null
  /** Of the calls that were answered, in order. */
  readonly counts: (Counts | null)[] = []

  private constructor(download?: Download) {
    this.translate = createTranslate({ dispatcherOf: () => this.agent, ...(download ? { download } : {}) })
    this.server = createServer((request, response) => void this.answer(request, response))
  }

  static async open(download?: Download): Promise<Front> {
    const front = new Front(download)
    front.server.listen(0, '127.0.0.1')
    await once(front.server, 'listening')
    return front
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://front')
    const dialect = dialectOf(pathname)
    const { candidate } = this
    if (candidate === null) throw new Error('no candidate was set')
    const left = new AbortController()
    response.on('close', () => left.abort())
    try {
      const body = JSON.parse(await text(request)) as Record<string, unknown>
      const streamed = body.stream === true || pathname.includes('streamGenerateContent')
      const answer = await this.translate({ dialect, candidate, body, streamed, headers: {}, signal: left.signal })
      response.writeHead(answer.status, { 'content-type': answer.contentType })
      for await (const chunk of answer.body) response.write(chunk)
      this.counts.push(answer.counts())
      response.end()
    } catch (error) {
      if (left.signal.aborted) return
      const fault = faultOf(error, candidate)
      if (!(error instanceof HelixError)) fault.message = `not a HelixError: ${fault.message}`
      const text = JSON.stringify(faultBody(dialect, fault))
      if (response.headersSent) return void response.end(broken(dialect, text))
      response.writeHead(fault.status, { 'content-type': 'application/json' }).end(text)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
    await this.agent.destroy()
  }
}
