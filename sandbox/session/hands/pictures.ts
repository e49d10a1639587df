import type { Place, Region } from './desktop.ts'
import { Refusal } from './refusal.ts'

/** Which part of the screen a picture showed, and how large it was. */
interface Shown {
  region: Region
  width: number
  height: number
}

/** An agent that looks back further than this has to look again. */
const kept = 50

/** Screenshots that the agent has seen: it says places in their pixels, and this says where that is on the screen. */
export class Pictures {
  private readonly shown = new Map<number, Shown>()
  private count = 0

  /** Answers with its number. */
  add(shown: Shown): number {
    this.count += 1
    this.shown.set(this.count, shown)
    this.shown.delete(this.count - kept)
    return this.count
  }

  /** `picture`: absent: the newest, or the screen itself before the first; 0: the screen itself. Throws where the place is outside. */
  placeOf(place: Place, picture: number | undefined, size: { width: number; height: number }): Place {
    const number = picture ?? this.count
    const shown = this.find(number, size)
    const { x, y } = place
    if (x < 0 || y < 0 || x >= shown.width || y >= shown.height)
      throw new Refusal(`${x}, ${y} is outside of ${nameOf(number)}, which has ${shown.width} x ${shown.height} pixels. ${wayOut(number)}`)
    const { region } = shown
    // The middle of what one of its pixels showed.
    const found = {
      x: Math.floor(region.x + ((x + 0.5) * region.width) / shown.width),
      y: Math.floor(region.y + ((y + 0.5) * region.height) / shown.height),
    }
    if (found.x < size.width && found.y < size.height) return found
    throw new Refusal(`The screen is smaller now, ${size.width} x ${size.height} pixels: take a new screenshot.`)
  }

  /** The same for a part: all that any of its pixels showed. */
  regionOf(region: Region, picture: number | undefined, size: { width: number; height: number }): Region {
    this.placeOf(region, picture, size)
    this.placeOf({ x: region.x + region.width - 1, y: region.y + region.height - 1 }, picture, size)
    const { region: whole, width, height } = this.find(picture ?? this.count, size)
    const across = (x: number): number => whole.x + (x * whole.width) / width
    const down = (y: number): number => whole.y + (y * whole.height) / height
    const [x, y] = [Math.floor(across(region.x)), Math.floor(down(region.y))]
    const right = Math.min(size.width, Math.ceil(across(region.x + region.width)))
    const bottom = Math.min(size.height, Math.ceil(down(region.y + region.height)))
    return { x, y, width: right - x, height: bottom - y }
  }

  private find(number: number, { width, height }: { width: number; height: number }): Shown {
    if (number === 0) return { region: { x: 0, y: 0, width, height }, width, height }
    const shown = this.shown.get(number)
    if (shown !== undefined) return shown
    throw new Refusal(
      this.count === 0
        ? `There is no picture ${number}: no screenshot was taken yet.`
        : `There is no picture ${number} any more: the newest is ${this.count}. Take a new screenshot.`,
    )
  }
}

const nameOf = (number: number): string => (number === 0 ? 'the screen' : `picture ${number}`)
const wayOut = (number: number): string =>
  number === 0 ? 'Give pixels of the screen.' : 'Give pixels of that picture, or set picture to 0 and give pixels of the screen.'
