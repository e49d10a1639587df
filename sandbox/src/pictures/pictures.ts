import { pictureLimits, type WatchPictures } from '@helix/contract/desktop-pictures'
import type { SessionId } from '@helix/contract/ids'
import type { HostUp } from '@helix/contract/link'
import type { Registry } from '../sessions/registry.ts'
import { peek } from './peek.ts'
import { PictureWatch } from './watch.ts'

export interface PicturesInput {
  registry: Pick<Registry, 'find'>
  linkSecret(sessionId: SessionId, epoch: number): string
  send(frame: HostUp): boolean
  /** False: not now. */
  sendBytes(bytes: Uint8Array): boolean
}

/** Small pictures of the desktops here, while the control plane says that somebody looks at them. */
export class Pictures {
  private readonly input: PicturesInput
  private readonly watches = new Map<string, { n: number; watch: PictureWatch }>()
  private lease: NodeJS.Timeout | null = null

  constructor(input: PicturesInput) {
    this.input = input
  }

  /** What is watched from now on; it ends when the control plane does not say it again. */
  want({ items }: WatchPictures): void {
    if (this.lease !== null) clearTimeout(this.lease)
    this.lease = setTimeout(() => this.close(), pictureLimits.leaseMs).unref()
    const wanted = new Map(items.map((item) => [`${item.n} ${item.sessionId} ${item.epoch}`, item]))
    for (const [key, { watch }] of this.watches) {
      if (wanted.has(key)) continue
      watch.end()
      this.watches.delete(key)
    }
    for (const [key, item] of wanted) if (!this.watches.has(key)) this.watches.set(key, { n: item.n, watch: this.begin(item) })
  }

  /** The link ended, or nobody looks any more: whoever does says so again. */
  close(): void {
    if (this.lease !== null) clearTimeout(this.lease)
    this.lease = null
    for (const { watch } of this.watches.values()) watch.end()
    this.watches.clear()
  }

  private begin({ n, sessionId, epoch }: WatchPictures['items'][number]): PictureWatch {
    const { registry, linkSecret, send, sendBytes } = this.input
    return new PictureWatch({
      n,
      peek: (have, signal) => {
        const session = registry.find(sessionId)
        if (session === undefined || session.epoch !== epoch || session.over !== null) return null
        return peek({ address: session.address, secret: linkSecret(sessionId, epoch), have, signal })
      },
      picture: sendBytes,
      told: (state) => void send({ type: 'pictureState', n, state }),
    })
  }
}
