import type { HostId } from '@helix/contract/ids'
import type { HostDown, HostReport, HostUp } from '@helix/contract/link'
import { decodeDown } from '@helix/contract/stream-down'
import type { Context } from '../context.ts'
import type { HostPictures } from './host-pictures.ts'

/** Pictures over one connection of a host. Hosts that do not say that they send some are asked for none. */
export class PicturesOfHost {
  private readonly context: Pick<Context, 'pictures'>
  private readonly send: (frame: HostDown) => void
  private held: { pictures: HostPictures | null; release: () => void } | null = null
  private over = false

  constructor(context: Pick<Context, 'pictures'>, send: (frame: HostDown) => void) {
    this.context = context
    this.send = send
  }

  reported(hostId: HostId, { pictures }: HostReport): void {
    if (pictures !== true || this.held !== null || this.over) return
    const release = this.context.pictures.hold(hostId, (frame) => this.send(frame))
    this.held = { pictures: this.context.pictures.hostHere(hostId), release }
  }

  /** What came as bytes. */
  received(bytes: Uint8Array): void {
    const still = decodeDown(bytes)
    if (still.type === 'still') this.held?.pictures?.received(still.requestId, bytes)
  }

  told({ n, state }: Extract<HostUp, { type: 'pictureState' }>): void {
    this.held?.pictures?.told(n, state)
  }

  end(): void {
    this.over = true
    this.held?.release()
    this.held = null
  }
}
