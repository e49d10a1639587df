import type { CursorShape } from '@helix/contract/stream-down'
import type { Point } from './geometry.ts'

/** Units: pixels; browsers take no larger picture as a cursor. */
const mostSide = 128

/** The desktop's pointer, apart from its picture: drawn by the browser itself while this person drives, and so without any delay. */
export class RemoteCursor {
  at = $state.raw<Point | null>(null)
  /** A data URL, and where in it the point is; null: hidden, or not told yet. */
  image = $state.raw<{ url: string; hotX: number; hotY: number; width: number; height: number } | null>(null)
  hidden = $state(false)

  take({ hidden, width, height, hotX, hotY, pixels }: CursorShape): void {
    this.hidden = hidden
    if (hidden || width === 0 || height === 0) return
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    canvas.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0)
    this.image = { url: canvas.toDataURL(), hotX, hotY, width, height }
  }

  /** For the style of what the pointer moves over. */
  get css(): string {
    if (this.hidden) return 'none'
    const { image } = this
    if (image === null || image.width > mostSide || image.height > mostSide) return 'default'
    return `url(${image.url}) ${Math.max(0, image.hotX)} ${Math.max(0, image.hotY)}, default`
  }
}
