import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { chordOf } from '../chord.ts'
import type { Desktop } from '../desktop.ts'
import { keysyms } from '../keysyms.ts'
import { defineTool, type Outcome } from '../tool.ts'
import { holding } from './pointer.ts'

/** Units: milliseconds. */
const pressMs = 15
const pieceMs = 20
/** Units: characters typed at once, so that a slow program keeps up. */
const piece = 64

export const type = defineTool({
  name: 'type',
  description: 'Writes text as a keyboard does, into whatever has the focus. Line breaks press Return.',
  acts: true,
  schema: z.object({
    text: z.string().min(1).max(10_000),
    enter: z.boolean().default(false).describe('Press Return afterwards'),
  }),
  async run({ text, enter }, { desktop, signal }): Promise<Outcome> {
    // What a terminal would take for commands of its own is left out.
    const plain = text.replace(/\r\n?/g, '\n').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    for (const part of plain.split(/(\n|\t)/)) {
      if (part === '\n' || part === '\t') await press(desktop, [keysyms[part === '\n' ? 'Return' : 'Tab'] ?? 0])
      else
        for (const letters of piecesOf(part)) {
          if (signal.aborted) return { text: 'Stopped: the call was cancelled. A part of the text is written.' }
          desktop.text(letters)
          await sleep(pieceMs)
        }
    }
    if (enter) await press(desktop, [keysyms.Return ?? 0])
    return { text: `Typed ${[...plain].length} characters${enter ? ' and Return' : ''}.` }
  },
})

export const key = defineTool({
  name: 'key',
  description: 'Presses a key or a chord, like Return, ctrl+c, ctrl+shift+t, alt+F4. Capitals by shift+a.',
  acts: true,
  schema: z.object({ keys: z.string().min(1).max(100), times: z.number().int().min(1).max(100).default(1) }),
  async run({ keys, times }, { desktop, signal }): Promise<Outcome> {
    const chord = chordOf(keys)
    for (let n = 0; n < times && !signal.aborted; n++) await press(desktop, chord)
    return { text: `Pressed ${keys}${times === 1 ? '' : ` ${times} times`}.` }
  },
})

async function press(desktop: Desktop, chord: readonly number[]): Promise<void> {
  await holding(desktop, chord, () => sleep(pressMs))
  await sleep(pressMs)
}

function piecesOf(text: string): string[] {
  const letters = [...text]
  return Array.from({ length: Math.ceil(letters.length / piece) }, (_, n) => letters.slice(n * piece, (n + 1) * piece).join(''))
}
