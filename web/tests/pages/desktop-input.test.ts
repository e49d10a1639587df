import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults } from './browser.ts'
import { takeControl } from './desktop-control.ts'
import { type DesktopGround, openDesktopGround } from './desktop-ground.ts'
import { DesktopHost } from './desktop-host.ts'
import { openDesktopPage, seesColour } from './desktop-page.ts'

let ground: DesktopGround
let host: DesktopHost
let page: Page
let errors: string[]

beforeAll(async () => {
  ground = await openDesktopGround()
})
afterAll(() => ground?.[Symbol.asyncDispose]())
beforeEach(async () => {
  host = await DesktopHost.open()
  ;({ page, errors } = await openDesktopPage(ground.person, ground, host))
  await seesColour(page, 'red')
})
afterEach(async () => {
  await page.close()
  await host.close()
})

const keys = () => host.seat.keys

test('keys arrive as what the layout writes, page shortcuts rest, and a chord gives the keyboard back', async () => {
  await takeControl(page)
  await page.keyboard.press('a')
  await page.keyboard.press('Shift+B')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Control+k')
  await expect
    .poll(keys)
    .toEqual(['+61', '-61', '+ffe1', '+42', '-42', '-ffe1', '+ff0d', '-ff0d', '+ff09', '-ff09', '+ffe3', '+6b', '-6b', '-ffe3'])
  expect(await page.getByRole('dialog').count()).toBe(0)
  await page.getByText('Ctrl+Alt+Shift gives the keyboard back').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.keyboard.press('Control+Alt+Shift')
  await page.getByRole('button', { name: 'Type into the desktop' }).and(page.locator(':focus')).waitFor()
  const before = keys().length
  await page.keyboard.press('?')
  await page.getByRole('dialog').waitFor()
  expect(keys().slice(before)).toEqual([])
  expect([...errors, ...host.refused]).toEqual([])
})

test('nothing stays pressed when the window, the tab or the page is left', async () => {
  await takeControl(page)
  for (const leave of [
    `window.dispatchEvent(new Event('blur'))`,
    `document.dispatchEvent(new Event('visibilitychange'))`,
    `document.activeElement.blur()`,
  ]) {
    const before = keys().length
    await page.locator('[data-picture] textarea').focus()
    await page.keyboard.down('Control')
    await page.keyboard.down('x')
    await page.evaluate(leave)
    await expect.poll(() => keys().slice(before)).toEqual(['+ffe3', '+78', '-ffe3', '-78'])
    await page.keyboard.up('x')
    await page.keyboard.up('Control')
  }
  // A modifier whose end went to another window.
  const before = keys().length
  await page.locator('[data-picture] textarea').focus()
  await page.evaluate(
    `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Alt', code: 'AltLeft', altKey: true, location: 1 }))`,
  )
  await page.locator('[data-picture]').hover({ position: { x: 50, y: 50 } })
  await expect.poll(() => keys().slice(before)).toEqual(['+ffe9', '-ffe9'])
})

test('text of an input method arrives whole, and a key that is part of it is no key', async () => {
  await takeControl(page)
  await page.evaluate(`{
    const field = document.activeElement
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Process', code: 'KeyN', keyCode: 229, isComposing: true }))
    field.dispatchEvent(new CompositionEvent('compositionstart'))
    field.value = ' に'
    field.dispatchEvent(new InputEvent('input', { isComposing: true }))
    field.value = ' 日本'
    field.dispatchEvent(new CompositionEvent('compositionend', { data: '日本' }))
  }`)
  await page.keyboard.insertText('é😀')
  await expect.poll(() => host.seat.of('text').map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual(['日本', 'é😀'])
  // What a keyboard on glass deletes.
  await page.evaluate(`{ const field = document.activeElement; field.value = ''; field.dispatchEvent(new InputEvent('input')) }`)
  await expect.poll(keys).toEqual(['+ff08', '-ff08'])
})

test('the pointer, its buttons and the wheel arrive in pixels of the screen', async () => {
  await takeControl(page)
  const box = await page.locator('[data-picture]').boundingBox()
  if (box === null) throw new Error('no picture')
  expect(box.width / box.height).toBeCloseTo(1920 / 1080, 1)
  const before = host.seat.of('pointer').length
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down({ button: 'right' })
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2)
  await page.mouse.up({ button: 'right' })
  await expect
    .poll(() =>
      host.seat
        .of('pointer')
        .slice(before)
        .map(({ buttons }) => buttons),
    )
    .toEqual([0, 4, 4, 0])
  const last = host.seat.of('pointer').at(-1)
  expect(last?.relative).toBe(false)
  expect(Math.abs((last?.x ?? 0) - 480)).toBeLessThan(5)
  expect(Math.abs((last?.y ?? 0) - 540)).toBeLessThan(5)
  await page.mouse.wheel(0, 100)
  await page.mouse.wheel(-50, 0)
  await expect
    .poll(() => host.seat.of('wheel').map(({ dx, dy }) => [dx, dy]))
    .toEqual([
      [0, 120],
      [-60, 0],
    ])
  expect(await page.evaluate(`document.querySelector('[data-picture]').style.cursor`)).toMatch(
    /^url\("data:image\/png;base64,.*"\) 3 4, default$/,
  )
  expect([...errors, ...host.refused]).toEqual([])
})

test('a locked mouse tells how far it went', async () => {
  await takeControl(page)
  await page.getByRole('button', { name: 'Relative mouse, for games' }).click()
  await expect.poll(() => page.evaluate(`document.pointerLockElement?.hasAttribute('data-picture') ?? false`)).toBe(true)
  const box = await page.locator('[data-picture]').boundingBox()
  if (box === null) throw new Error('no picture')
  const steps = () =>
    host.seat
      .of('pointer')
      .filter(({ relative }) => relative)
      .map(({ x, y }) => [x, y])
  await page.mouse.move(box.x + 100, box.y + 100)
  await expect.poll(() => steps().length).toBe(1)
  await page.mouse.move(box.x + 130, box.y + 90)
  await expect.poll(() => steps().slice(1)).toEqual([[30, -10]])
  expect([...errors, ...host.refused]).toEqual([])
})

test('sound is asked for by a click, decoded and played, and ends by another', async () => {
  await page.evaluate(`{
    window.played = []
    const start = AudioBufferSourceNode.prototype.start
    AudioBufferSourceNode.prototype.start = function (at) { window.played.push(this.buffer.length); start.call(this, at) }
  }`)
  host.seat.sounds()
  await page.getByRole('button', { name: 'Sound', exact: true }).click()
  await expect.poll(() => host.seat.said('audio').map(({ on }) => on)).toEqual([true])
  await expect
    .poll(() => {
      host.seat.sounds()
      return page.evaluate('window.played.length > 2 && window.played.every((frames) => frames === 960)')
    })
    .toBe(true)
  await page.getByRole('button', { name: 'Sound', exact: true }).click()
  await expect.poll(() => host.seat.said('audio').map(({ on }) => on)).toEqual([true, false])
  expect([...errors, ...host.refused]).toEqual([])
})

test('fingers click, open the context menu and scroll', async () => {
  await takeControl(page)
  const session = await page.context().newCDPSession(page)
  const box = await page.locator('[data-picture]').boundingBox()
  if (box === null) throw new Error('no picture')
  const touch = (type: string, ...points: [number, number][]) =>
    session.send('Input.dispatchTouchEvent', {
      type: type as 'touchStart',
      touchPoints: points.map(([x, y], id) => ({ x: box.x + x, y: box.y + y, id })),
    })
  const buttons = (from: number) =>
    host.seat
      .of('pointer')
      .slice(from)
      .map((one) => one.buttons)
  let before = host.seat.of('pointer').length
  await touch('touchStart', [60, 60])
  await touch('touchEnd')
  await expect.poll(() => buttons(before)).toEqual([0, 1, 0])
  before = host.seat.of('pointer').length
  await touch('touchStart', [60, 60])
  await expect.poll(() => buttons(before)).toEqual([0, 4, 0])
  await touch('touchEnd')
  await touch('touchStart', [60, 60], [90, 60])
  await touch('touchMove', [60, 40], [90, 40])
  await touch('touchEnd')
  await expect.poll(() => host.seat.of('wheel').reduce((sum, { dy }) => sum + dy, 0)).toBeGreaterThan(10)
  expect(buttons(before).filter((one) => one === 1)).toEqual([])
})

test('the clipboard goes both ways, a picture too, and what the browser refuses has a box and a button', async () => {
  await takeControl(page)
  const clipboards = () => host.seat.of('clipboard').map(({ kind, bytes }) => (kind === 'text' ? new TextDecoder().decode(bytes) : kind))
  const paste = `(type, data) => { const transfer = new DataTransfer(); if (type === 'text') transfer.setData('text/plain', data)
    else transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], 'a.png', { type: 'image/png' }))
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })) }`
  await page.keyboard.down('Control')
  await page.evaluate(
    `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'v', code: 'KeyV', ctrlKey: true, bubbles: true, cancelable: true }))`,
  )
  await page.evaluate(`(${paste})('text', 'from here')`)
  await expect.poll(clipboards).toEqual(['from here'])
  // The key follows what it pastes.
  await expect.poll(keys).toEqual(['+ffe3', '+76', '-76'])
  expect(host.seat.input.findIndex(({ type }) => type === 'clipboard')).toBeLessThan(
    host.seat.input.findIndex((message) => message.type === 'key' && message.keysym === 0x76),
  )
  await page.keyboard.up('Control')
  await page.evaluate(`(${paste})('png', 'iVBORw0KGgo=')`)
  await expect.poll(clipboards).toEqual(['from here', 'png'])
  await ground.person.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: ground.installation.url })
  host.seat.copies('from there')
  await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe('from there')
  await ground.person.clearPermissions()
  await page.evaluate(`navigator.clipboard.writeText = () => Promise.reject(new Error('no'))`)
  host.seat.copies('kept for you')
  await page.getByRole('button', { name: 'Clipboard', exact: true }).click()
  await page.getByText('kept for you').waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByLabel('Paste here').fill('typed in the box')
  await page.getByRole('button', { name: 'Send my clipboard' }).click()
  await expect.poll(clipboards).toEqual(['from here', 'png', 'typed in the box'])
  await page.evaluate(`{ const box = document.querySelector('textarea[aria-label^="Paste here"]')
    const transfer = new DataTransfer()
    transfer.setData('text/plain', 'x'.repeat(4194305))
    box.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, cancelable: true })) }`)
  await page.getByText('takes 4.0 MiB').waitFor()
  expect([...errors, ...host.refused]).toEqual([])
})

test('a dropped file is uploaded to the workspace, and a refusal is told', async () => {
  const sent: string[] = []
  await page.route('**/files/content?*', (route) => {
    sent.push(`${new URL(route.request().url()).searchParams.get('path')}: ${route.request().postData()}`)
    return sent.length === 1
      ? route.fulfill({ status: 204 })
      : route.fulfill({ status: 409, json: { error: { code: 'machine_unavailable', message: 'The machine is asleep.', requestId: 'r' } } })
  })
  const drop = `{ const transfer = new DataTransfer(); transfer.items.add(new File(['hello'], 'note.txt'))
    document.querySelector('[data-picture]').dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })) }`
  await page.evaluate(drop)
  await page.getByText('The file is in /workspace.').waitFor()
  await page.evaluate(drop)
  await page.getByText('The machine is asleep.').waitFor()
  expect(sent).toEqual(['/workspace/note.txt: hello', '/workspace/note.txt: hello'])
})
