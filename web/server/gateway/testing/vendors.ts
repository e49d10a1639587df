import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { nothingSeen, plainScript, type Request, type Script, type Seen, type Vendor } from './script.ts'
import { chatVendor } from './vendor-chat.ts'
import { converseVendor } from './vendor-converse.ts'
import { generateVendor } from './vendor-generate.ts'
import { messagesVendor } from './vendor-messages.ts'
import { responsesVendor } from './vendor-responses.ts'

/** By path, as the vendors lay them out. */
function vendorOf(path: string): Vendor | null {
  if (path.endsWith('/chat/completions')) return chatVendor
  if (path.endsWith('/responses')) return responsesVendor
  if (path.endsWith('/messages') || path.includes('rawPredict') || path.includes('RawPredict')) return messagesVendor
  if (path.includes('enerateContent')) return generateVendor
  return /\/converse(-stream)?$/.test(path) ? converseVendor : null
}

const isStreamed = ({ path, body }: Request): boolean =>
  body.stream === true || /streamGenerateContent|streamRawPredict|converse-stream/.test(path)

/** Every vendor at one address: checks what it is asked against the vendor’s description, and answers by the script. */
export class Vendors implements AsyncDisposable {
  private readonly server: Server
  readonly requests: Request[] = []
  readonly seen: Seen[] = []
  /** What of requests broke a vendor’s description. */
  readonly problems: string[] = []
  /** False: what is asked is the client’s own, which passed untouched, and nobody’s translation to be checked. */
  strict = true
  /** Of connections that were closed before their answer was whole. */
  aborted = 0
  script: Script | ((seen: Seen, request: Request) => Script) = plainScript

  private constructor() {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: Error) => {
        if (!response.headersSent) response.writeHead(500)
        response.end(error.message)
      })
    })
  }

  static async open(): Promise<Vendors> {
    const vendors = new Vendors()
    vendors.server.listen(0, '127.0.0.1')
    await once(vendors.server, 'listening')
    return vendors
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  get last(): Seen {
    const last = this.seen.at(-1)
    if (last === undefined) throw new Error('nothing was asked')
    return last
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(incoming.url ?? '/', 'http://vendor')
    const request: Request = {
      path: decodeURIComponent(pathname),
      headers: incoming.headers,
      body: JSON.parse((await text(incoming)) || '{}'),
    }
    const vendor = vendorOf(request.path)
    if (vendor === null) return void response.writeHead(404).end('{}')
    this.requests.push(request)
    response.on('close', () => {
      if (!response.writableFinished) this.aborted++
    })
    const refuse = (status: number, message: string) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(vendor.failure({ status, message })))
    try {
      if (this.strict) vendor.check(request)
    } catch (error) {
      this.problems.push((error as Error).message)
      return refuse(400, `Against the description: ${(error as Error).message}`)
    }
    const seen = this.strict ? vendor.seen(request.body) : nothingSeen()
    this.seen.push(seen)
    const script = typeof this.script === 'function' ? this.script(seen, request) : this.script
    if (script.failure !== null) return refuse(script.failure.status, script.failure.message)
    if (isStreamed(request)) return play(vendor, script, request, response)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(vendor.body(script, request)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

/** In bytes cut anywhere: characters of several bytes come in halves. */
async function play(vendor: Vendor, script: Script, request: Request, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': vendor.contentType })
  const frames = vendor.frames(script, request)
  const kept = script.cut || script.hangs ? frames.slice(0, Math.ceil(frames.length / 2)) : frames
  const bytes = Buffer.concat(kept.map((frame) => (typeof frame === 'string' ? Buffer.from(frame) : frame)))
  for (let at = 0; at < bytes.length; at += 97) {
    response.write(bytes.subarray(at, at + 97))
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (!script.hangs) response.end()
}
