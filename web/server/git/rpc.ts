import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { HelixError } from '@helix/contract/errors'
import type { GitSettings } from './environment.ts'
import { type GitProcess, killGroup, startGit, tailOf } from './run.ts'
import { createBufferCollector } from './spent-buffers.ts'

export interface RpcInput {
  settings: GitSettings
  args: string[]
  env: Record<string, string>
  contentType: string
  /** Sent before what git says. */
  preamble?: string
  /** The body to hand to git; null for none. */
  body: IncomingMessage | null
  /** Units: bytes after inflating. */
  maxBodyBytes: number
  response: ServerResponse
  /** Runs when git is over, before the client sees the end of the answer. `whole`: it ended by itself and was not killed. */
  ended(whole: boolean): Promise<void>
}

/** Units: milliseconds without a byte in either direction. git itself says something every 5 s while it works on a push. */
const idleMs = 600_000
const killAfterMs = 5000

/** The value of a `Git-Protocol` header to pass on; anything odd is dropped, and git then speaks version 0. */
export const protocolOf = (header: string | undefined): Record<string, string> =>
  header !== undefined && /^version=[0-9](:[a-z0-9=.-]{1,60}){0,3}$/.test(header) ? { GIT_PROTOCOL: header } : {}

function stop(child: GitProcess): void {
  killGroup(child, 'SIGTERM')
  setTimeout(() => {
    if (child.exitCode === null && child.signalCode === null) killGroup(child, 'SIGKILL')
  }, killAfterMs).unref()
}

/** Counts what passes and breaks off at the limit. */
function limited(maxBytes: number, passed: (bytes: number) => void): Transform {
  let size = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed(chunk.length)
      size += chunk.length
      if (size > maxBytes) done(new HelixError('too_large', `The request has more than ${maxBytes} bytes.`))
      else done(null, chunk)
    },
  })
}

/** Streams the body into git, inflated on the way. Resolves never; rejects when the body is broken or too large. */
function feed(child: GitProcess, input: RpcInput, passed: (bytes: number) => void): Promise<never> {
  return new Promise((_, reject) => {
    const { body } = input
    if (body === null) {
      child.stdin.end()
      return
    }
    const zipped = /^(x-)?gzip$/.test(body.headers['content-encoding'] ?? '')
    const stages: Readable[] = [body]
    if (zipped) stages.push(body.pipe(createGunzip()))
    const source = (stages.at(-1) ?? body).pipe(limited(input.maxBodyBytes, passed))
    for (const stage of [...stages, source]) {
      stage.on('error', (error) => reject(error instanceof HelixError ? error : new HelixError('invalid_request', 'The body is broken.')))
    }
    source.pipe(child.stdin)
    // git may refuse before it read everything. The rest is read and dropped: a client that cannot send does not look at the answer.
    child.stdin.on('error', () => {
      source.unpipe(child.stdin)
      source.resume()
    })
  })
}

/** Sends what git says as it says it, at the client's pace; the head goes out with the first byte. */
function answer(child: GitProcess, input: RpcInput, passed: (bytes: number) => void): Promise<void> {
  const { response } = input
  const stderr = tailOf(child.stderr)
  child.stdout.on('data', (chunk: Buffer) => {
    passed(chunk.length)
    if (response.destroyed) return
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': input.contentType, 'cache-control': 'no-cache, max-age=0, must-revalidate' })
      if (input.preamble !== undefined) response.write(input.preamble)
    }
    if (response.write(chunk)) return
    child.stdout.pause()
    response.once('drain', () => child.stdout.resume())
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (response.headersSent || code === 0) resolve()
      else reject(new Error(`git ${input.args[0]} ended with ${code ?? signal}: ${stderr()}`))
    })
  })
}

/** Runs one git service over one HTTP exchange, without holding more than a few buffers of it in memory. */
export async function serveRpc(input: RpcInput): Promise<void> {
  const { response } = input
  const child = startGit(input.settings, input.args, input.env)
  const end = () => {
    stop(child)
    // Nobody reads on: what is left is dropped, so that git's end is seen.
    child.stdout.resume()
  }
  const idle = setTimeout(end, idleMs)
  const collect = createBufferCollector()
  const passed = (bytes: number) => {
    idle.refresh()
    collect(bytes)
  }
  response.once('close', end)
  if (response.destroyed) end()
  const done = answer(child, input, passed)
  try {
    await Promise.race([done, feed(child, input, passed)])
  } catch (error) {
    end()
    await done.catch(() => undefined)
    throw error
  } finally {
    clearTimeout(idle)
    response.off('close', end)
    await input.ended(child.exitCode !== null)
  }
  response.end()
}
