import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { chordOf } from '../chord.ts'
import type { Desktop, Place } from '../desktop.ts'
import { defineTool, type Hands, type Outcome, place } from '../tool.ts'

/** Units: milliseconds. Programs take a press of no length for none, and slow presses for two clicks. */
const pressMs = 30
const betweenClicksMs = 60
const dragSteps = 12
const dragStepMs = 16

const buttons = { left: 1, middle: 2, right: 4 } as const
const button = z.enum(['left', 'middle', 'right']).default('left')
const times = ['', 'Clicked', 'Double-clicked', 'Triple-clicked']

const placed = ({ desktop, pictures }: Hands, at: { x: number; y: number; picture?: number | undefined }): Place =>
  pictures.placeOf(at, at.picture, desktop.size)
const said = ({ x, y }: Place): string => `${x}, ${y} of the screen`

export const click = defineTool({
  name: 'click',
  description: 'Clicks at a place. For a double click set count to 2; keys are held meanwhile.',
  acts: true,
  schema: z.object({
    ...place,
    button,
    count: z.number().int().min(1).max(3).default(1),
    keys: z.string().max(60).optional().describe('Keys to hold meanwhile, like ctrl or ctrl+shift'),
  }),
  async run(args, hands): Promise<Outcome> {
    const at = placed(hands, args)
    const { desktop } = hands
    const held = args.keys === undefined ? [] : chordOf(args.keys)
    desktop.pointer(at, 0)
    await sleep(pressMs)
    await holding(desktop, held, async () => {
      for (let n = 0; n < args.count; n++) {
        if (n > 0) await sleep(betweenClicksMs)
        await pressed(desktop, at, buttons[args.button], () => sleep(pressMs))
      }
    })
    return { text: `${times[args.count]} ${args.button} at ${said(at)}.`, place: at }
  },
})

export const drag = defineTool({
  name: 'drag',
  description: 'Presses at one place, moves to another and lets go.',
  acts: true,
  schema: z.object({ ...place, to_x: place.x, to_y: place.y, button }),
  async run(args, hands): Promise<Outcome> {
    const from = placed(hands, args)
    const to = placed(hands, { x: args.to_x, y: args.to_y, picture: args.picture })
    const { desktop } = hands
    const bit = buttons[args.button]
    desktop.pointer(from, 0)
    await sleep(pressMs)
    let at = from
    // What is pressed is let go, also where the agent does not wait for it.
    try {
      for (let step = 0; step <= dragSteps && !hands.signal.aborted; step++) {
        at = between(from, to, step / dragSteps)
        desktop.pointer(at, bit)
        await sleep(dragStepMs)
      }
    } finally {
      desktop.pointer(at, 0)
    }
    return { text: `Dragged from ${from.x}, ${from.y} to ${said(to)}.`, place: to }
  },
})

export const move = defineTool({
  name: 'move',
  description: 'Moves the pointer without pressing anything.',
  acts: true,
  schema: z.object(place),
  async run(args, hands): Promise<Outcome> {
    const at = placed(hands, args)
    hands.desktop.pointer(at, 0)
    return { text: `The pointer is at ${said(at)}.`, place: at }
  },
})

export const scroll = defineTool({
  name: 'scroll',
  description: 'Turns the wheel over a place.',
  acts: true,
  schema: z.object({
    ...place,
    direction: z.enum(['up', 'down', 'left', 'right']),
    notches: z.number().int().min(1).max(50).default(3).describe('One moves about three lines'),
  }),
  async run(args, hands): Promise<Outcome> {
    const at = placed(hands, args)
    const { desktop } = hands
    desktop.pointer(at, 0)
    await sleep(pressMs)
    const by = { up: [0, -1], down: [0, 1], left: [-1, 0], right: [1, 0] }[args.direction] as [number, number]
    for (let n = 0; n < args.notches && !hands.signal.aborted; n++) {
      desktop.wheel(...by)
      await sleep(10)
    }
    return { text: `Scrolled ${args.direction} by ${args.notches} at ${said(at)}.`, place: at }
  },
})

async function pressed(desktop: Desktop, at: Place, bit: number, meanwhile: () => Promise<unknown>): Promise<void> {
  desktop.pointer(at, bit)
  try {
    await meanwhile()
  } finally {
    desktop.pointer(at, 0)
  }
}

/** With keys down, which are let go in any case. */
export async function holding(desktop: Desktop, keysyms: readonly number[], meanwhile: () => Promise<unknown>): Promise<void> {
  for (const keysym of keysyms) desktop.key(keysym, true)
  try {
    await meanwhile()
  } finally {
    for (const keysym of keysyms.toReversed()) desktop.key(keysym, false)
  }
}

const between = (from: Place, to: Place, part: number): Place => ({
  x: Math.round(from.x + (to.x - from.x) * part),
  y: Math.round(from.y + (to.y - from.y) * part),
})
