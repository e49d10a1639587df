import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults, openPage } from './browser.ts'
import { colourOf } from './desktop-clip.ts'
import { type DesktopGround, openDesktopGround } from './desktop-ground.ts'
import { DesktopHost } from './desktop-host.ts'
import { giveTickets, openDesktopPage, pixel, refuseTickets, seesColour } from './desktop-page.ts'

let ground: DesktopGround
let host: DesktopHost

beforeAll(async () => {
  ground = await openDesktopGround()
})
afterAll(() => ground?.[Symbol.asyncDispose]())
beforeEach(async () => {
  host = await DesktopHost.open()
})
afterEach(() => host.close())

const open = () => openDesktopPage(ground.person, ground, host)

async function gpuProcess(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const found = processInfo.find(({ type }) => type === 'GPU')
  if (found === undefined) throw new Error('the browser has no GPU process')
  return found.id
}

test('the first picture is painted, the newest of many is what stays, and each is acknowledged', async () => {
  const { page, errors } = await open()
  await seesColour(page, 'red')
  for (const colour of ['green', 'blue', 'yellow'] as const) host.seat.shows(colour)
  await seesColour(page, 'yellow')
  await expect.poll(() => host.seat.of('ack').map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3])
  expect(host.seat.said('hello')).toMatchObject([{ version: 1, capabilities: { webcodecs: true, stills: true } }])
  expect(host.seat.said('theme')).toMatchObject([{ dark: false }])
  expect(await accessibilityFaults(page)).toEqual([])
  expect([...errors, ...host.refused]).toEqual([])
  await page.close()
})

test('a picture without its key frame is asked for again, and nonsense harms nothing', async () => {
  const { page, errors } = await open()
  await seesColour(page, 'red')
  const { socket } = host.seat
  for (const bytes of [[], [1], [1, 0, 0], [99, 1, 2, 3], [2, 0, 255, 255, 255, 255], [7, 0, 1]]) socket.send(new Uint8Array(bytes))
  for (const text of ['', '{', '[]', '{"type":"hello"}', '{"type":"of tomorrow"}']) socket.send(text)
  // A frame of nothing that claims to be a key frame.
  socket.send(new Uint8Array([1, 1, 1, 64, 0, 180, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 65, 1, 2, 3]))
  host.key = 'magenta'
  await expect.poll(() => host.seat.said('keyframe').length).toBeGreaterThan(0)
  await seesColour(page, 'magenta')
  host.seat.shows('cyan')
  await seesColour(page, 'cyan')
  expect([...errors, ...host.refused]).toEqual([])
  await page.close()
})

test('the control plane’s own ticket opens it, with the person’s name and right', async () => {
  ground.fleet.report({ stream: { port: host.port, url: `http://localhost:${host.port}` } })
  const { page, errors } = await openPage(ground.person)
  await page.goto(`${ground.installation.url}/sessions/${ground.sessionId}?tab=desktop`)
  await seesColour(page, 'red')
  const [ticket] = host.tickets
  const claims = JSON.parse(Buffer.from(ticket?.split('.')[1] ?? '', 'base64url').toString())
  expect(claims).toMatchObject({ sessionId: ground.sessionId, hostId: ground.fleet.id, name: 'Administrator', right: 'control' })
  expect(errors).toEqual([])
  await page.close()
})

test('a viewer whose worker did not arrive is begun again', async () => {
  const { page, errors } = await openPage(ground.person)
  await giveTickets(page, () => [{ url: host.url, kind: 'direct' }])
  let cut = 2
  await page.route(/\/workers\/.*\.js$/, (route) => (cut-- > 0 ? route.abort('internetdisconnected') : route.continue()))
  await page.goto(`${ground.installation.url}/sessions/${ground.sessionId}?tab=desktop`)
  await seesColour(page, 'red')
  expect(cut).toBeLessThan(1)
  expect(errors).toEqual([])
  await page.close()
})

test('a lost connection greys the last picture, counts down, and comes back with a ticket of its own', async () => {
  const { page, errors } = await open()
  await seesColour(page, 'red')
  const { port } = host
  await host.close()
  await page.getByText(/^Reconnecting in [1-9] s$/).waitFor()
  await page.getByText('what runs in it goes on').waitFor()
  await seesColour(page, 'red')
  expect(await page.locator('[data-picture] .grayscale').count()).toBe(1)
  expect(await accessibilityFaults(page)).toEqual([])
  // Long enough between two attempts to click.
  await page.getByText(/^Reconnecting in ([4-9]|1\d) s$/).waitFor()
  const first = host.tickets
  host = await DesktopHost.open(port)
  host.key = 'magenta'
  await page.getByRole('button', { name: 'Reconnect now' }).click()
  await seesColour(page, 'magenta')
  await expect.poll(() => page.locator('[data-picture] .grayscale').count()).toBe(0)
  expect(host.tickets).not.toEqual(first)
  expect(errors.filter((text) => !text.includes('WebSocket'))).toEqual([])
  await page.close()
})

test('a line that is cut is replaced before anybody notices, without a ticket and with control', async () => {
  const { page } = await open()
  await seesColour(page, 'red')
  const [first] = host.seats
  await page.getByRole('button', { name: 'Take control' }).click()
  await page.getByText('You drive.').waitFor()
  host.key = 'magenta'
  if (first !== undefined) first.cut = true
  await seesColour(page, 'magenta')
  expect(host.tickets).toEqual([expect.anything(), `pass.${first?.id}`])
  await page.getByText('You drive.').waitFor()
  expect(await page.locator('[data-countdown]').count()).toBe(0)
  await page.close()
})

test('a host that says nothing more is given up', async () => {
  const { page } = await open()
  await seesColour(page, 'red')
  host.silent = true
  await page.locator('[data-countdown]').waitFor()
  host.silent = false
  await expect.poll(() => host.seats.length).toBeGreaterThan(1)
  await page.locator('[data-desktop="live"]').waitFor()
  await page.close()
})

test('where the direct way does not answer the relayed one is taken', async () => {
  const { page } = await openPage(ground.person)
  // An address that is routed nowhere: nothing answers, and nothing refuses.
  await giveTickets(page, () => [
    { url: 'ws://192.0.2.1:9/desktop', kind: 'direct' },
    { url: host.url, kind: 'relayed' },
  ])
  await page.goto(`${ground.installation.url}/sessions/${ground.sessionId}?tab=desktop`)
  await seesColour(page, 'red')
  expect(new Set(host.tickets).size).toBe(1)
  await page.close()
})

test('what a person has to act on says so: suspended, stopped, too many, no desktop, no permission', async () => {
  const { page } = await open()
  await seesColour(page, 'red')
  host.seat.closes('session_suspended')
  await page.getByText('The session is suspended').waitFor()
  await page.getByRole('button', { name: 'Start the machine' }).waitFor()
  expect(await accessibilityFaults(page)).toEqual([])
  await page.getByRole('button', { name: 'Try again' }).click()
  for (const [name, text] of [
    ['too_many', 'Too many people'],
    ['unsupported', 'has no desktop'],
    ['session_stopped', 'has ended'],
  ] as const) {
    await page.locator('[data-desktop="live"]').waitFor()
    host.seat.closes(name)
    await page.getByText(text).waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
  }
  await page.unroute('**/desktop-tickets')
  await refuseTickets(page, 409, 'conflict', 'This project has no desktops: its sandbox settings turn them off.')
  await page.reload()
  await page.getByText('turn them off').waitFor()
  await page.close()
})

test('a hidden tab decodes nothing, and comes back with a key frame', async () => {
  const { page } = await open()
  await seesColour(page, 'red')
  const visible = (state: 'hidden' | 'visible') =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { configurable: true, value: '${state}' }); document.dispatchEvent(new Event('visibilitychange'))`,
    )
  await visible('hidden')
  await expect.poll(() => host.seat.said('visibility')).toMatchObject([{ visible: false }])
  host.seat.shows('green')
  host.key = 'magenta'
  await visible('visible')
  await seesColour(page, 'magenta')
  expect(host.seat.said('visibility')).toMatchObject([{ visible: false }, { visible: true }])
  // What was under way when it was hidden is off the host's hands, undecoded.
  expect(host.seat.of('ack')).toMatchObject([{ sequence: 0 }, { sequence: 1, decodeUs: 0 }, { sequence: 2 }])
  // Asleep over night: the connection ends while nobody looks, and is made again when somebody does.
  await visible('hidden')
  host.seat.socket.terminate()
  await page.locator('[data-desktop="hidden"]').waitFor()
  const before = host.seats.length
  await visible('visible')
  await expect.poll(() => host.seats.length).toBe(before + 1)
  await seesColour(page, 'magenta')
  await page.close()
})

test('a decoder that fails is replaced and goes on from a key frame', async () => {
  const { page } = await open()
  await seesColour(page, 'red')
  const broken = new Uint8Array(200).fill(7)
  broken.set([1, 0, 1, 64, 0, 180, 0, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x41])
  host.key = 'magenta'
  host.seat.socket.send(broken)
  await seesColour(page, 'magenta')
  expect(host.seat.said('keyframe').length).toBeGreaterThan(0)
  await page.close()
})

/** Begins workers without the decoder, as in a browser that has none. */
const withoutDecoder = `{
  const blob = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  const first = blob('delete self.VideoDecoder')
  const { Worker } = self
  self.Worker = class extends Worker {
    constructor(url, options) {
      super(blob('import "' + first + '"; import "' + new URL(url, location.href) + '"'), options)
    }
  }
}`

test('a browser whose GPU process dies shows the next picture', async () => {
  const { page, errors } = await open()
  await seesColour(page, 'red')
  const gpu = await gpuProcess(ground.browser)
  process.kill(gpu, 'SIGKILL')
  await expect.poll(() => gpuProcess(ground.browser).catch(() => gpu)).not.toBe(gpu)
  host.key = 'magenta'
  await expect
    .poll(async () => {
      host.seat.shows('green')
      return page.evaluate(pixel).then((colour) => colourOf((colour as number[] | null) ?? []))
    })
    .toMatch(/green|magenta/)
  expect(errors).toEqual([])
  await page.close()
})

test('a browser that decodes no video is shown still pictures, and told why', async () => {
  // The page's policy begins no worker from text.
  await using context = await ground.browser.newContext({ bypassCSP: true, storageState: await ground.person.storageState() })
  await context.addInitScript(withoutDecoder)
  const { page, errors } = await openDesktopPage(context, ground, host)
  await seesColour(page, 'blue')
  await page.getByText('Still pictures only').waitFor()
  expect(host.seat.said('hello')).toMatchObject([{ capabilities: { webcodecs: false } }])
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
})
