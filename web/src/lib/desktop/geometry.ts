export interface Extent {
  width: number
  height: number
}
export interface Point {
  x: number
  y: number
}
export const views = ['fit', 'actual'] as const
export type View = (typeof views)[number]

/** The picture on the page. `ratio`: device pixels of one CSS pixel; a pixel of the screen is one of the glass in `actual`. Units: CSS pixels. */
export function shownExtent(screen: Extent, area: Extent, view: View, ratio: number): Extent {
  if (view === 'actual') return { width: screen.width / ratio, height: screen.height / ratio }
  const scale = Math.min(area.width / screen.width, area.height / screen.height)
  return { width: Math.max(1, Math.floor(screen.width * scale)), height: Math.max(1, Math.floor(screen.height * scale)) }
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, Math.floor(value)))

/** A point of the window as a pixel of the screen; what lies outside is the nearest on its edge. */
export function toScreen(point: Point, box: Extent & { left: number; top: number }, screen: Extent): Point {
  return {
    x: clamp(((point.x - box.left) * screen.width) / box.width, screen.width - 1),
    y: clamp(((point.y - box.top) * screen.height) / box.height, screen.height - 1),
  }
}

/** What to ask of the desktop so that the area shows it pixel by pixel; even, as video wants it. */
export function extentOfArea(
  area: Extent,
  ratio: number,
  limits: { leastWidth: number; leastHeight: number; mostWidth: number; mostHeight: number },
): Extent {
  const even = (value: number, least: number, most: number): number => 2 * Math.round(Math.max(least, Math.min(most, value * ratio)) / 2)
  return { width: even(area.width, limits.leastWidth, limits.mostWidth), height: even(area.height, limits.leastHeight, limits.mostHeight) }
}

/** From the browser's bits (left, right, middle, back, forward) to the wire's (left, middle, right, back, forward). */
export const wireButtons = (buttons: number): number => (buttons & 0b11001) | ((buttons & 2) << 1) | ((buttons & 4) >> 1)

/** How much of a notch each unit of `deltaMode` is: pixels, lines, pages. */
const notch = [1 / 100, 1 / 3, 3]

/** Turns what a wheel or a touchpad tells into whole steps of 1/120 notch; what is left over counts with the next. */
export class WheelSteps {
  private rest: Point = { x: 0, y: 0 }

  take({ deltaX, deltaY, deltaMode }: { deltaX: number; deltaY: number; deltaMode: number }): Point {
    const scale = (notch[deltaMode] ?? 0) * 120
    const [x, y] = [this.rest.x + deltaX * scale, this.rest.y + deltaY * scale]
    const whole = { x: Math.round(x) + 0, y: Math.round(y) + 0 }
    this.rest = { x: x - whole.x, y: y - whole.y }
    return whole
  }
}
