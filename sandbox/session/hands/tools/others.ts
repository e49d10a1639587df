import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Refusal } from '../refusal.ts'
import { defineTool, type Outcome } from '../tool.ts'

/** Units: characters of a clipboard that are shown. */
const mostShown = 20_000
const schemes = new Set(['http:', 'https:', 'file:', 'about:'])
/** Others are a host and its port, like localhost:3000. */
const knownScheme = /^(https?|file|about|data|javascript|chrome|view-source|blob|ftp|mailto|wss?):/i
/** Units: milliseconds. */
const lookMs = 25

export const clipboard = defineTool({
  name: 'clipboard',
  description: 'Reads or sets the text of the clipboard.',
  acts: ({ action }) => action === 'set',
  schema: z.object({ action: z.enum(['get', 'set']).default('get'), text: z.string().max(1_000_000).optional().describe('For set') }),
  async run({ action, text }, { desktop }): Promise<Outcome> {
    if (action === 'set') {
      if (text === undefined) throw new Refusal('Give the text to put into the clipboard.')
      desktop.setClipboard(text)
      return { text: `The clipboard holds ${text.length} characters now. Paste with the tool key, mostly ctrl+v.` }
    }
    const found = await desktop.clipboard()
    if (found === null || found === '') return { text: 'The clipboard holds no text.' }
    if (found.length <= mostShown) return { text: found }
    return { text: `${found.slice(0, mostShown).toWellFormed()}\n… ${found.length - mostShown} more characters` }
  },
})

export const open = defineTool({
  name: 'open',
  description: 'Opens an address in the browser of the desktop, like http://localhost:3000.',
  acts: true,
  schema: z.object({ url: z.string().min(1).max(4000) }),
  async run({ url }, { desktop }): Promise<Outcome> {
    const whole = knownScheme.test(url) || url.includes('://') ? url : `http://${url}`
    const parsed = URL.parse(whole)
    if (parsed === null) throw new Refusal(`${url.slice(0, 100)} is no address: write it like http://localhost:3000/path.`)
    if (!schemes.has(parsed.protocol))
      throw new Refusal(`${parsed.protocol.slice(0, 40)} is not opened: use http, https, file or about:blank.`)
    await desktop.open(parsed.href)
    return { text: `${parsed.href.slice(0, 300)} opens in the browser. Call wait_until_still, then look at a screenshot.` }
  },
})

export const waitUntilStill = defineTool({
  name: 'wait_until_still',
  description: 'Waits until nothing on the screen changed for a moment, so that the next screenshot shows what came of it.',
  acts: false,
  schema: z.object({
    quiet_ms: z.number().int().min(50).max(10_000).default(500).describe('For how long nothing is to change'),
    deadline_ms: z.number().int().min(100).max(30_000).default(10_000).describe('Not longer than this'),
  }),
  async run({ quiet_ms: quiet, deadline_ms: deadline }, { desktop, signal }): Promise<Outcome> {
    const began = performance.now()
    const stop = desktop.watchChanges()
    try {
      for (;;) {
        const still = desktop.quietMs()
        const waited = Math.round(performance.now() - began)
        if (still >= quiet) return { text: `Nothing changed for ${Math.round(still)} ms; waited ${waited} ms.` }
        if (waited >= deadline || signal.aborted)
          return { text: `It still changes after ${waited} ms: perhaps a video, a spinner or a cursor that blinks. Look at a screenshot.` }
        await sleep(Math.min(Math.max(lookMs, quiet - still), Math.max(1, deadline - waited)))
      }
    } finally {
      stop()
    }
  },
})

export const size = defineTool({
  name: 'size',
  description: 'The size of the screen, where its newest frame is, and who drives it.',
  acts: false,
  schema: z.object({}),
  async run(_, { desktop }): Promise<Outcome> {
    const { width, height } = desktop.size
    const frame = desktop.sequence === null ? 'No frame was captured yet.' : `The newest frame is ${desktop.sequence}.`
    const { driver } = desktop
    const who =
      driver === null
        ? 'Nobody else drives it.'
        : `${driver.name} drives it${driver.pausesAgent ? ' and asked that you wait meanwhile' : ''}.`
    return { text: `The screen has ${width} x ${height} pixels. ${frame} ${who}` }
  },
})
