import { readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type SessionFile, type SlotFile, slotFile, slotPath } from '@helix/contract/link'
import type { Config } from './config.ts'
import { type Engine, startEngine } from './inner-docker.ts'
import { shows } from './link/server.ts'
import { type Log, reasonOf } from './log.ts'
import { WaitingPty } from './machine/pty.ts'
import { parseSessionFile } from './session-file.ts'
import { createAgentUser } from './user.ts'

/** Units: bytes. Secrets and start-up script of a session fit many times. */
const longestFile = 4 * 1024 * 1024

/** A machine that was started before anybody asked for it: everything that is the same for all sessions is there, and the session comes later. */
export class Slot {
  /** Listens at the link's port; whoever serves the session goes on with it. */
  readonly server: Server
  /** The engine for the session's own containers, on its way; null: there is none here. */
  readonly engine: Promise<Engine> | null
  /** For the first terminal that somebody opens. */
  readonly pty: WaitingPty
  private readonly secret: string
  private readonly log: Log
  private readonly taken = Promise.withResolvers<SessionFile>()
  private handedOver: ServerResponse | null = null

  private constructor({ secret, innerDocker }: SlotFile, config: Config, log: Log) {
    this.secret = secret
    this.log = log
    const user = createAgentUser(config)
    this.pty = new WaitingPty(user)
    this.engine = innerDocker === 'none' ? null : startEngine(innerDocker, user)
    // Told by whoever waits for it.
    this.engine?.catch(() => undefined)
    this.server = createServer({ requestTimeout: 0 }, (request, response) => void this.answer(request, response))
  }

  /** Null: the machine was started for a session. */
  static async open(config: Config, log: Log): Promise<Slot | null> {
    const text = await readFile(config.slotFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return null
    })
    if (text === null) return null
    await rm(config.slotFile)
    const slot = new Slot(slotFile.parse(JSON.parse(text)), config, log)
    await new Promise<void>((resolve, reject) => {
      slot.server.once('error', reject)
      slot.server.listen(config.linkPort, () => resolve())
    })
    return slot
  }

  /** Resolves when somebody wants the machine. */
  get session(): Promise<SessionFile> {
    return this.taken.promise
  }

  /** The session is served from now on. */
  begun(): void {
    this.handedOver?.writeHead(204).end()
  }

  /** Whatever would be done in the moment in which a session wants the machine, and need not be: the engine stands until the session prepares. */
  private async tidy(): Promise<void> {
    // An engine that does not come up is told in the session.
    await this.engine?.then((engine) => engine.pause()).catch(() => undefined)
    // Garbage of the start. Only where Node was started with the option for it.
    globalThis.gc?.()
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== slotPath || !shows(request, this.secret)) return void response.writeHead(404).end()
    if (request.method === 'GET') {
      await this.tidy()
      return void response.writeHead(204).end()
    }
    if (this.handedOver !== null) return void response.writeHead(409).end()
    this.handedOver = response
    try {
      this.taken.resolve(parseSessionFile('the session', await textOf(request)))
    } catch (error) {
      this.handedOver = null
      this.log.warn('what was handed over is no session', { reason: reasonOf(error) })
      response.writeHead(400).end(reasonOf(error))
    }
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestFile) throw new Error(`a session has at most ${longestFile} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
