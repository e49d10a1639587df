import type { Duplex } from 'node:stream'
import type { SessionId } from '@helix/contract/ids'
import type { HostReport, HostUp } from '@helix/contract/link'
import type { StreamKey, StreamSeat } from '@helix/contract/stream-tickets'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Identity } from '../identity.ts'
import { Pictures } from '../pictures/pictures.ts'
import type { Preparations } from '../sessions/preparations.ts'
import type { Registry } from '../sessions/registry.ts'
import { StreamServer } from './server.ts'
import { Streams, type StreamsInput } from './streams.ts'

interface Parts {
  readonly config: Pick<Config, 'stream'>
  readonly identity: Pick<Identity, 'hostId' | 'linkSecret'>
  readonly registry: Registry
  readonly preparations: Preparations
  readonly log: Logger
  send(frame: HostUp): boolean
  sendBytes(bytes: Uint8Array): boolean
}

/** All that this host does for those who look at its desktops. */
export class HostStreams {
  readonly streams: Streams
  readonly pictures: Pictures
  private readonly server: StreamServer

  /** `changed`: browsers reach it elsewhere than before. */
  constructor(parts: Parts, changed: () => void) {
    const { config, identity, registry, preparations, log } = parts
    const { hostId } = identity
    const sessions: StreamsInput['sessions'] = {
      find: (id) => registry.find(id),
      coming: (id, epoch, deadlineMs) => {
        preparations.stir(id)
        return registry.coming(id, epoch, deadlineMs)
      },
    }
    this.streams = new Streams({ hostId, sessions, linkSecret: (id, epoch) => identity.linkSecret(id as SessionId, epoch), log })
    this.pictures = new Pictures({
      registry,
      linkSecret: (id, epoch) => identity.linkSecret(id, epoch),
      send: (frame) => parts.send(frame),
      sendBytes: (bytes) => parts.sendBytes(bytes),
    })
    this.server = new StreamServer({ hostId, ...config.stream, streams: this.streams, log, changed })
  }

  listen(): void {
    void this.server.listen()
  }

  /** The control plane says what tickets are known by, and where its pages come from. */
  welcomed({ streamKeys, pageOrigins }: { streamKeys: StreamKey[]; pageOrigins: string[] }): void {
    this.streams.trust(streamKeys)
    // It counts anew, and says what is watched.
    this.pictures.close()
    this.server.pageOrigins = pageOrigins
  }

  /** What the control plane is told of it. */
  get report(): Pick<HostReport, 'stream' | 'worked' | 'viewers' | 'pictures'> {
    return { stream: this.server.address, worked: this.streams.worked(), viewers: this.streams.seats(), pictures: true }
  }

  attended(sessionId: SessionId): boolean {
    return this.streams.attended(sessionId)
  }

  /** The control plane says that somebody lost a right. */
  unseat(seat: StreamSeat): void {
    this.streams.unseat(seat)
  }

  carry(bytes: Duplex): void {
    this.server.carry(bytes)
  }

  /** Every viewer is told. */
  async close(): Promise<void> {
    this.pictures.close()
    this.streams.close()
    await this.server[Symbol.asyncDispose]()
  }
}
