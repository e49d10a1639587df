import { decodeDown } from '@helix/contract/stream-down'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DesktopClient, DesktopMachine, docker, image } from './desktop-client.ts'
import { ensureSessionImage } from './image.ts'
import { McpClient } from './mcp-client.ts'

const socket = '/run/helix/desktop-tools.sock'
const pipe = '/opt/helix/desktop/helix-pipe'
let machine: DesktopMachine
let client: McpClient

const asUser = (id: string, user: string): McpClient => new McpClient('docker', ['exec', '-i', '-u', user, id, pipe, socket])

beforeAll(async () => {
  await ensureSessionImage(image)
  machine = await DesktopMachine.start()
  await machine.listening()
  client = asUser(machine.id, 'agent')
  await client.greet()
}, 600_000)
afterAll(async () => {
  client?.[Symbol.dispose]()
  await machine?.[Symbol.asyncDispose]()
})

/** The colour in the middle of a JPEG, as the session's own browser decodes it. */
async function colourOf(jpeg: string): Promise<[number, number, number]> {
  const script = `const p=new Image();p.onload=()=>{const c=document.createElement('canvas');c.width=c.height=1;const x=c.getContext('2d');x.drawImage(p,p.width/2,p.height/2,1,1,0,0,1,1);document.body.textContent='rgb '+[...x.getImageData(0,0,1,1).data].join(' ')};p.src='data:image/jpeg;base64,${jpeg}'`
  const page = `data:text/html;base64,${Buffer.from(`<body><script>${script}</script>`).toString('base64')}`
  const flags = '--headless --no-sandbox --disable-gpu --user-data-dir=/tmp/reader --virtual-time-budget=5000 --dump-dom'
  const said = await machine.exec(`chromium ${flags} '${page}' 2>/dev/null`)
  const [, red, green, blue] = /rgb (\d+) (\d+) (\d+)/.exec(said) ?? []
  return [Number(red), Number(green), Number(blue)]
}

async function look(args: object = {}): Promise<{ text: string; jpeg: string }> {
  const { content } = await client.call('screenshot', args)
  const picture = content.find((one) => one.type === 'image')
  const text = content.find((one) => one.type === 'text')
  return { text: text?.text ?? '', jpeg: picture?.data ?? '' }
}

/** A terminal in front, with a shell that has printed its prompt. */
async function openTerminal(): Promise<void> {
  await machine.exec('setsid xfce4-terminal --disable-server --maximize >/dev/null 2>&1 &')
  await expect.poll(() => client.use('windows'), { timeout: 20_000 }).toMatch(/erminal/)
  await client.use('windows', { action: 'focus', window: 'erminal' })
  await client.use('wait_until_still', { quiet_ms: 800, deadline_ms: 20_000 })
}

test('a client writes into a terminal, and reads on a screenshot what came of it', async () => {
  expect(await client.use('size')).toMatch(/^The screen has 1280 x 720 pixels/)
  await openTerminal()
  await client.use('type', { text: "echo grüße-$((40+2)) > /tmp/said; clear; printf '\\033[41m\\033[2J'; tput civis", enter: true })
  expect(await machine.until('cat /tmp/said', (said) => said !== '')).toBe('grüße-42')
  await client.use('wait_until_still', { quiet_ms: 500, deadline_ms: 10_000 })
  const { text, jpeg } = await look({ scale: 50 })
  expect(text).toMatch(/^Picture 1: 640 x 360 pixels, the screen of 1280 x 720/)
  const [red, green, blue] = await colourOf(jpeg)
  expect(red).toBeGreaterThan(140)
  expect(Math.max(green, blue)).toBeLessThan(100)
  // A part, in pixels of that picture, at the screen's own scale.
  const part = await look({ scale: 100, region: { x: 300, y: 150, width: 40, height: 40 } })
  expect(part.text).toMatch(/^Picture 2: 80 x 80 pixels, 80 x 80 pixels of the screen from 60\d, 30\d/)
  expect((await colourOf(part.jpeg))[0]).toBeGreaterThan(140)
})

test('pointer, keys, clipboard and windows reach the programs', async () => {
  await look({ scale: 50 })
  await client.use('click', { x: 320, y: 180 })
  expect(await machine.exec('xdotool getmouselocation')).toMatch(/^x:64[01] y:36[01] /)
  await client.use('key', { keys: 'ctrl+c' })
  await client.use('clipboard', { action: 'set', text: 'echo pasted-€ > /tmp/pasted' })
  await client.use('key', { keys: 'ctrl+shift+v' })
  await client.use('key', { keys: 'Return' })
  expect(await machine.until('cat /tmp/pasted', (said) => said !== '')).toBe('pasted-€')
  expect(await client.use('clipboard')).toContain('pasted-€')
  expect(await client.use('windows')).toMatch(/has the focus/)
  await client.use('windows', { action: 'close', window: 'erminal' })
  await expect.poll(() => client.use('windows'), { timeout: 10_000 }).not.toMatch(/erminal/)
})

test('an address opens in the browser of the session', async () => {
  await client.use('open', { url: 'data:text/html,x' }).catch((error) => expect(String(error)).toContain('data: is not opened'))
  await client.use('open', { url: 'about:blank' })
  await expect.poll(() => client.use('windows'), { timeout: 30_000 }).toMatch(/hromium/)
})

test('while a person drives and wants it, the agent is told who, and a host that watches sees what the agent does', async () => {
  const host: DesktopClient = await machine.connect()
  host.send({ type: 'lease', holder: { id: 'v1', name: 'Ada' }, pausesAgent: true })
  await expect.poll(() => client.use('size')).toMatch(/Ada drives it and asked that you wait/)
  const waiting = client.use('move', { x: 10, y: 10, picture: 0 })
  host.send({ type: 'lease', holder: null, pausesAgent: false })
  expect(await waiting).toBe('The pointer is at 10, 10 of the screen.')
  expect(await host.until('the action', () => host.words.find((word) => word.type === 'agentAction'))).toMatchObject({
    action: 'move',
    x: 10,
    y: 10,
  })
  host.close()
})

test('nobody but the agent’s user opens the socket', async () => {
  expect(await docker('exec', machine.id, 'stat', '-c', '%U %a', socket)).toBe('agent 600')
  const nobody = docker('exec', '-u', 'nobody', machine.id, pipe, socket)
  await expect(nobody).rejects.toThrow(/Permission denied/)
})

test('small pictures come when something changed, and only then; a desktop that nobody started is not started for one', async () => {
  await using fresh = await DesktopMachine.start()
  await fresh.listening()
  expect(await fresh.peek('')).toMatchObject({ status: 204, have: 'off' })
  const waiting = fresh.peek('off')
  const tools = asUser(fresh.id, 'agent')
  await tools.greet()
  await tools.use('size')
  const first = await waiting
  expect(first.status).toBe(200)
  const still = decodeDown(first.bytes)
  expect(still).toMatchObject({ type: 'still', width: 320, height: 180 })
  expect(first.bytes.byteLength).toBeLessThan(48 * 1024)
  await tools.use('wait_until_still', { quiet_ms: 2000, deadline_ms: 20_000 })
  const rested = await fresh.peek('')
  const next = fresh.peek(rested.have)
  await tools.use('move', { x: 5, y: 5 })
  await fresh.exec('setsid xfce4-terminal --disable-server --maximize >/dev/null 2>&1 &')
  const changed = await next
  expect(changed.status).toBe(200)
  expect(changed.have).not.toBe(rested.have)
  tools[Symbol.dispose]()
})
