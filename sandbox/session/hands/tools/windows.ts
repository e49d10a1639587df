import { z } from 'zod'
import { closest } from '../closest.ts'
import type { DesktopWindow } from '../desktop.ts'
import { Refusal } from '../refusal.ts'
import { defineTool, type Outcome } from '../tool.ts'

const mostListed = 100

export const windows = defineTool({
  name: 'windows',
  description: 'Lists the windows of the desktop, gives one the focus, or closes one.',
  acts: ({ action }) => action !== 'list',
  schema: z.object({
    action: z.enum(['list', 'focus', 'close']).default('list'),
    window: z
      .union([z.number().int(), z.string().min(1).max(200)])
      .optional()
      .describe('Its number, or a part of its title or program; for focus and close'),
  }),
  async run({ action, window: wanted }, { desktop }): Promise<Outcome> {
    const all = await desktop.windows()
    if (action === 'list') return { text: all.length === 0 ? 'No window is open.' : all.slice(0, mostListed).map(lineOf).join('\n') }
    if (wanted === undefined) throw new Refusal(`Say which window to ${action}: its number, or a part of its title. ${openNow(all)}`)
    const found = find(all, wanted)
    const { x, y, width, height } = found.region
    await (action === 'focus' ? desktop.focus(found.id) : desktop.close(found.id))
    return {
      text: action === 'focus' ? `${nameOf(found)} has the focus.` : `${nameOf(found)} was asked to close; it may ask something first.`,
      place: { x: x + (width >> 1), y: y + (height >> 1) },
    }
  },
})

function find(all: readonly DesktopWindow[], wanted: number | string): DesktopWindow {
  const text = String(wanted).toLowerCase()
  const byNumber = all.find(({ id }) => String(id) === text)
  const fits = byNumber === undefined ? all.filter((one) => `${one.title} ${one.program}`.toLowerCase().includes(text)) : [byNumber]
  const [found] = fits
  if (found !== undefined && fits.length === 1) return found
  if (found !== undefined)
    throw new Refusal(`${fits.length} windows fit: give the number of one.\n${fits.slice(0, mostListed).map(lineOf).join('\n')}`)
  const near = closest(
    text,
    all.map(({ title }) => title),
  )
  throw new Refusal(`No window fits ${text.slice(0, 60)}. ${near.length > 0 ? `Is it ${near.join(' or ')}?` : openNow(all)}`)
}

const nameOf = ({ title, program }: DesktopWindow): string => (title === '' ? program : title).slice(0, 120)
const lineOf = (one: DesktopWindow): string =>
  `${one.id}: ${nameOf(one)} (${one.program}) at ${one.region.x}, ${one.region.y}, ${one.region.width} x ${one.region.height}${one.focused ? ', has the focus' : ''}`
const openNow = (all: readonly DesktopWindow[]): string =>
  all.length === 0 ? 'No window is open.' : `Open are: ${all.slice(0, 20).map(nameOf).join('; ')}.`
