import type { PictureState } from '@helix/contract/desktop-pictures'
import type { SessionId } from '@helix/contract/ids'
import { pageFeed } from './page.ts'

/** What one tile shows. */
export class TilePicture {
  url = $state<string | null>(null)
  /** Null: nothing was told yet. */
  state = $state<PictureState | null>(null)

  /** While the element is in sight, pictures are asked for. */
  follow(sessionId: SessionId): (element: HTMLElement) => () => void {
    return (element) => {
      let end: (() => void) | null = null
      const look = new IntersectionObserver(([entry]) => {
        if (entry?.isIntersecting && end === null)
          end = pageFeed().watch(sessionId, { picture: (jpeg) => this.show(jpeg), state: (state) => this.tell(state) })
        else if (!entry?.isIntersecting) {
          end?.()
          end = null
        }
      })
      look.observe(element)
      return () => {
        look.disconnect()
        end?.()
        this.show(null)
      }
    }
  }

  private tell(state: PictureState): void {
    this.state = state
    if (state !== 'live') this.show(null)
  }

  private show(jpeg: Uint8Array | null): void {
    this.url = jpeg === null ? null : urlOf(jpeg)
    if (jpeg !== null) this.state = 'live'
  }
}

/** In itself: the page's policy lets images come from nowhere else. */
function urlOf(jpeg: Uint8Array): string {
  let letters = ''
  for (let at = 0; at < jpeg.byteLength; at += 8192) letters += String.fromCharCode(...jpeg.subarray(at, at + 8192))
  return `data:image/jpeg;base64,${btoa(letters)}`
}
