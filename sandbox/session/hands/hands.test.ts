import type { DesktopAction } from '@helix/contract/desktop-action'
import { beforeEach, expect, test } from 'vitest'
import { AgentHands, type Told } from './hands.ts'
import { PaperDesktop } from './testing.ts'
import { mostBytes } from './tools/screenshot.ts'

let desktop: PaperDesktop
let did: DesktopAction[]
let warned: string[]
let hands: AgentHands
beforeEach(() => {
  desktop = new PaperDesktop()
  did = []
  warned = []
  const log = { info: () => undefined, warn: (message: string) => void warned.push(message) }
  hands = new AgentHands({ desktop, did: (action) => void did.push(action), log, waitMs: 40 })
})

const never = new AbortController().signal
const call = (name: string, args: object = {}, signal: AbortSignal = never): Promise<Told> => hands.call(name, args, signal)
const refusal = async (name: string, args: object = {}): Promise<string> => {
  const told = await call(name, args)
  expect(told.failed).toBe(true)
  return told.text
}

test('places are pixels of the newest screenshot, of an older one by its number, or of the screen', async () => {
  const { text } = await call('screenshot')
  expect(desktop.asked).toEqual([{ maxWidth: 1280, maxHeight: 720, quality: 80 }])
  expect(text).toBe('Picture 1: 1280 x 720 pixels, the screen of 1920 x 1080. Frame 8. Give places in pixels of this picture.')
  await call('move', { x: 640, y: 360 })
  await call('screenshot', { scale: 100, region: { x: 640, y: 360, width: 100, height: 50 } })
  await call('move', { x: 10, y: 10 })
  await call('move', { x: 640, y: 360, picture: 1 })
  await call('move', { x: 640, y: 360, picture: 0 })
  // The part begins where 640, 360 of picture 1 is; one of its pixels is one and a half of the screen.
  const places = desktop.done.filter((one) => one.startsWith('pointer'))
  expect(places).toEqual(['pointer 960,540 0', 'pointer 970,550 0', 'pointer 960,540 0', 'pointer 640,360 0'])
  expect(desktop.asked[1]).toEqual({ maxWidth: 150, maxHeight: 75, quality: 80, region: { x: 960, y: 540, width: 150, height: 75 } })
})

test('before the first screenshot places are pixels of the screen, and what is outside is refused with the size', async () => {
  await call('move', { x: 1919, y: 1079 })
  expect(desktop.done[0]).toBe('pointer 1919,1079 0')
  expect(await refusal('click', { x: 1920, y: 5 })).toBe(
    '1920, 5 is outside of the screen, which has 1920 x 1080 pixels. Give pixels of the screen.',
  )
  await call('screenshot', { scale: 50 })
  expect(await refusal('click', { x: 1000, y: 5 })).toMatch(/outside of picture 1, which has 960 x 540 pixels.*picture to 0/)
  expect(await refusal('click', { x: 1, y: 5, picture: 9 })).toMatch(/no picture 9 any more: the newest is 1/)
  desktop.size.width = 800
  expect(await refusal('click', { x: 900, y: 5 })).toMatch(/smaller now, 800 x 1080/)
})

test('clicks press and let go: twice for a double click, with keys that are let go in any case', async () => {
  await call('click', { x: 5, y: 6, button: 'right', count: 2, keys: 'ctrl+shift' })
  expect(desktop.done).toEqual([
    'pointer 5,6 0',
    'key ffe3 down',
    'key ffe1 down',
    ...['pointer 5,6 4', 'pointer 5,6 0', 'pointer 5,6 4', 'pointer 5,6 0'],
    'key ffe1 up',
    'key ffe3 up',
    'acted click',
  ])
  expect(did).toMatchObject([{ action: 'click', x: 5, y: 6, sequence: 7 }])
})

test('a drag moves in steps with the button down, and lets go where it is cancelled', async () => {
  await call('drag', { x: 0, y: 0, to_x: 120, to_y: 60 })
  expect(desktop.done.filter((one) => one.endsWith(' 1'))).toHaveLength(13)
  expect(desktop.done.at(-2)).toBe('pointer 120,60 0')
  const over = new AbortController()
  desktop.pointer = (_, buttons) => {
    desktop.done.push(`buttons ${buttons}`)
    if (buttons === 1) over.abort()
  }
  await call('drag', { x: 0, y: 0, to_x: 120, to_y: 60 }, over.signal)
  expect(desktop.done.filter((one) => one.startsWith('buttons'))).toEqual(['buttons 0', 'buttons 1', 'buttons 0'])
})

test('text is typed in pieces, with Return for line breaks and without control characters', async () => {
  const { text } = await call('type', { text: `${'ä'.repeat(70)}\r\nb\x1b[31mc\td`, enter: true })
  expect(desktop.done.filter((one) => one.startsWith('text'))).toEqual([
    `text ${'ä'.repeat(64)}`,
    `text ${'ä'.repeat(6)}`,
    'text b[31mc',
    'text d',
  ])
  expect(desktop.done.filter((one) => one.endsWith('down'))).toEqual(['key ff0d down', 'key ff09 down', 'key ff0d down'])
  expect(text).toBe('Typed 79 characters and Return.')
  // What was typed may be a password: the conversation is told that it was, not what.
  expect(JSON.stringify(did)).not.toContain('ä')
})

test.for([
  ['ctrl+shift+t', ['ffe3', 'ffe1', '74']],
  ['Ctrl++', ['ffe3', '2b']],
  ['enter', ['ff0d']],
  ['€', ['10020ac']],
  ['alt+F4', ['ffe9', 'ffc1']],
] as const)('the chord %s is pressed in its order', async ([keys, pressed]) => {
  await call('key', { keys })
  expect(desktop.done.filter((one) => one.endsWith('down'))).toEqual(pressed.map((keysym) => `key ${keysym} down`))
  expect(desktop.done.filter((one) => one.endsWith('up'))).toEqual(pressed.toReversed().map((keysym) => `key ${keysym} up`))
})

test('a key that does not exist is answered with names that are near', async () => {
  expect(await refusal('key', { keys: 'ctrl+Retrun' })).toMatch(/no key called Retrun\. Is it Return/)
  expect(await refusal('key', { keys: 'ctrl+' })).toMatch(/A key is missing/)
  expect(await refusal('key', { keys: 'qqqqqqqqqqqq' })).toMatch(/Use a character, or a name like Return/)
  expect(await refusal('key', { keys: 'a+b+c+d+e+f+g' })).toMatch(/at most 6/)
  expect(desktop.done).toEqual([])
})

test('a screenshot that is too large to be kept is made coarser and smaller', async () => {
  desktop.bytesOf = (width, quality) => width * quality * 6
  const told = await call('screenshot', { scale: 100 })
  expect(told.picture?.jpeg.byteLength).toBeLessThanOrEqual(mostBytes)
  expect(desktop.asked.length).toBeGreaterThan(1)
  expect(did).toMatchObject([{ action: 'screenshot', sequence: 8, atUs: 1_000_000 }])
})

test('windows are found by number or words; several that fit are told, and one that is not is answered with those that are', async () => {
  const region = { x: 10, y: 20, width: 200, height: 100 }
  desktop.all = [
    { id: 11, title: 'Terminal', program: 'xterm', region, focused: true },
    { id: 12, title: 'Helix - Chromium', program: 'chromium', region, focused: false },
    { id: 13, title: 'Docs - Chromium', program: 'chromium', region, focused: false },
  ]
  expect((await call('windows')).text.split('\n')[0]).toBe('11: Terminal (xterm) at 10, 20, 200 x 100, has the focus')
  await call('windows', { action: 'focus', window: 'helix' })
  await call('windows', { action: 'close', window: 13 })
  expect(desktop.done).toEqual(['focus 12', 'acted windows', 'close 13', 'acted windows'])
  expect(await refusal('windows', { action: 'focus', window: 'chromium' })).toMatch(/2 windows fit: give the number/)
  expect(await refusal('windows', { action: 'focus', window: 'Termnal' })).toMatch(/Is it Terminal/)
  expect(await refusal('windows', { action: 'close', window: 'zzzzzz' })).toMatch(/Open are: Terminal; Helix - Chromium/)
})

test('addresses are opened with what is missing, and only of kinds that a browser shows', async () => {
  await call('open', { url: 'localhost:3000/a b' })
  await call('open', { url: 'about:blank' })
  expect(desktop.done.filter((one) => one.startsWith('open'))).toEqual(['open http://localhost:3000/a%20b', 'open about:blank'])
  expect(await refusal('open', { url: 'data:text/html,x' })).toMatch(/data: is not opened/)
  expect(await refusal('open', { url: 'chrome://settings' })).toMatch(/chrome: is not opened/)
  expect(await refusal('open', { url: 'http://' })).toMatch(/is no address/)
})

test('waiting for a still screen ends when it is still, and at its deadline', async () => {
  expect((await call('wait_until_still', { quiet_ms: 100 })).text).toMatch(/^Nothing changed for 1000 ms/)
  desktop.stillForMs = 0
  expect((await call('wait_until_still', { quiet_ms: 100, deadline_ms: 100 })).text).toMatch(/^It still changes after 1\d\d ms/)
  expect(desktop.watching).toBe(0)
})

test('while a person drives and wants it, actions wait; then they say who drives and what to do, and looking goes on', async () => {
  desktop.drives({ name: 'Ada', pausesAgent: true })
  expect(await refusal('click', { x: 1, y: 1 })).toMatch(/^Ada drives the desktop and asked that you wait.*screenshots still work/)
  expect((await call('screenshot')).failed).toBe(false)
  expect((await call('clipboard', { action: 'get' })).failed).toBe(false)
  const waiting = call('click', { x: 1, y: 1 })
  setTimeout(() => desktop.drives(null), 5)
  expect((await waiting).failed).toBe(false)
  desktop.drives({ name: 'Ada', pausesAgent: false })
  expect((await call('click', { x: 1, y: 1 })).text).toMatch(/Ada drives the desktop too/)
})

test('without a desktop every tool says why, and nothing is written down as done', async () => {
  desktop.failure = 'This session has no desktop: its image has no X server.'
  expect(await refusal('screenshot')).toBe('This session has no desktop: its image has no X server.')
  expect(did).toEqual([])
})

test('arguments that are wrong are named, and so is a tool that is not there', async () => {
  expect(await refusal('click', { x: 'left', y: 1 })).toMatch(/^click: x: /)
  expect(await refusal('clik')).toMatch(/no tool clik\. Is it click/)
  expect(warned).toEqual([])
})

test('calls are done one after the other, and no endless number of them waits', async () => {
  const all = Array.from({ length: 40 }, (_, n) => call('move', { x: n, y: 0 }))
  const told = await Promise.all(all)
  expect(told.filter(({ failed }) => failed)).toHaveLength(8)
  expect(desktop.done.filter((one) => one.startsWith('pointer'))).toEqual(Array.from({ length: 32 }, (_, n) => `pointer ${n},0 0`))
})

test('a call that nobody waits for any more is not begun', async () => {
  const over = new AbortController()
  over.abort()
  expect((await call('click', { x: 1, y: 1 }, over.signal)).failed).toBe(true)
  expect(desktop.done).toEqual([])
})
