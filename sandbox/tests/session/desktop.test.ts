import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { encodeClipboard } from '@helix/contract/stream-down-encode'
import { encodePointer, encodeText } from '@helix/contract/stream-up'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DesktopClient, DesktopMachine, docker, image } from './desktop-client.ts'

const enter = 0xff0d
const control = 0xffe3
let machine: DesktopMachine
let client: DesktopClient

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, '..', '..', 'image', 'build.mjs')], { timeout: 580_000 })
  machine = await DesktopMachine.start()
  client = await machine.connect()
  await client.watch()
}, 600_000)
afterAll(() => machine?.[Symbol.asyncDispose]())

const utf8 = (text: string) => new TextEncoder().encode(text)

/** A terminal in front, with a shell that has printed its prompt. */
async function openTerminal(): Promise<void> {
  const windows = Number(await machine.exec('wmctrl -l | grep -c Terminal'))
  await machine.exec('setsid xfce4-terminal --disable-server >/dev/null 2>&1 &')
  await machine.until('wmctrl -l | grep -c Terminal', (said) => Number(said) > windows)
  client.sendBytes(encodePointer({ x: 640, y: 360, buttons: 0, relative: false }))
  await client.rest()
}

async function type(line: string): Promise<void> {
  client.sendBytes(encodeText({ bytes: utf8(line) }))
  client.press(enter)
}

/** What is typed then goes into a file; before it is there the shell reads the keys itself. */
async function catTo(file: string): Promise<void> {
  await type(`cat > ${file}`)
  await machine.until(`ls ${file}`, (said) => said === file)
}

test('the first frame is a key frame of the size that the project has, and says what decodes it', async () => {
  const [screen] = client.words
  expect(screen).toMatchObject({ type: 'screen', encoder: 'x264', codec: 'avc1.42c02a', width: 1280, height: 720, scale: 100, paced: true })
  expect(client.frames[0]).toMatchObject({ key: true, width: 1280, height: 720 })
  expect(client.messages.some(({ type }) => type === 'cursorShape')).toBe(true)
})

test('a screen that came to rest was sharpened, sends nothing more, and costs no time of a processor', async () => {
  await client.rest()
  expect(client.frames.at(-1)?.refinement).toBe(true)
  const pid = await machine.pidOf('helix-capture')
  const ticks = async () => (await docker('exec', machine.id, 'cat', `/proc/${pid}/stat`)).split(' ').slice(13, 15).map(Number)
  const [before, spent] = [client.frames.length, await ticks()]
  await new Promise((resolve) => setTimeout(resolve, 3000))
  // The clock in the panel may come to its minute: one frame and its refinement.
  expect(client.frames.length - before).toBeLessThanOrEqual(4)
  const [user = 0, system = 0] = await ticks()
  expect(user + system - (spent[0] ?? 0) - (spent[1] ?? 0)).toBeLessThanOrEqual(2)
})

test('every command of the session finds the desktop', async () => {
  expect(await machine.exec('echo $DISPLAY; xdotool getdisplaygeometry; id -un')).toBe(':1\n1280 720\nagent')
})

test('what is typed arrives, whatever the layout lacks, and Shift of another keyboard does not turn it', async () => {
  await openTerminal()
  await catTo('/tmp/typed')
  await type('Grüße, 日本語 한글 €5 [a]{b}~ 😀')
  const shift = 0xffe1
  client.press(shift, 0x41)
  client.press(shift, 0x31)
  // Of the number pad, and a large D with Control: Caps Lock is on.
  client.press(0xffb7)
  client.press(enter)
  client.press(control, 0x44)
  expect(await machine.until('cat /tmp/typed', (said) => said.split('\n').length >= 2)).toBe('Grüße, 日本語 한글 €5 [a]{b}~ 😀\nA17')
  await machine.until('pgrep -c -x cat', (said) => said === '0')
})

test('ten thousand keys in a moment all arrive, and nothing grows', async () => {
  await catTo('/tmp/flood')
  const pid = await machine.pidOf('helix-input')
  const memory = async () => Number(/VmRSS:\s+(\d+)/.exec(await docker('exec', machine.id, 'cat', `/proc/${pid}/status`))?.[1])
  const before = await memory()
  for (let line = 0; line < 100; line++) {
    for (let letter = 0; letter < 49; letter++) client.press(0x61 + (letter % 26))
    client.press(enter)
  }
  await machine.until('wc -l < /tmp/flood', (said) => Number(said) === 100)
  client.press(control, 0x64)
  expect(Number(await machine.until('wc -c < /tmp/flood', (said) => Number(said) === 5000))).toBe(5000)
  expect((await memory()) - before).toBeLessThan(2000)
})

test('the clipboard goes both ways, also when it is large; what is too large stays where it is', async () => {
  client.sendBytes(encodeClipboard({ kind: 'text', bytes: utf8('von außen') }))
  expect(await machine.until('xclip -o -selection clipboard', (said) => said !== '')).toBe('von außen')
  const large = utf8('0123456789abcde\n'.repeat(250_000))
  client.sendBytes(encodeClipboard({ kind: 'png', bytes: large }))
  const [sum] = (await promisify(execFile)('sh', ['-c', `yes 0123456789abcde | head -n 250000 | sha256sum`])).stdout.split(' ')
  await machine.until('xclip -o -selection clipboard -t image/png | sha256sum', (said) => said.startsWith(sum ?? '?'))
  const copied = async (command: string, length: number) => {
    const after = client.messages.length
    await machine.exec(`${command} | timeout 30 xclip -selection clipboard >/dev/null 2>&1`)
    return client.until(`a clipboard of ${length}`, () =>
      client.messages.slice(after).find((message) => message.type === 'clipboard' && message.bytes.length === length),
    )
  }
  await copied('printf inside', 6)
  await copied('yes 0123456789abcde | head -n 250000', 4_000_000)
  await machine.exec('yes 0123456789abcde | head -n 300000 | timeout 30 xclip -selection clipboard >/dev/null 2>&1')
  await copied('printf after', 5)
})

test('a host that takes no frames gets two, and goes on where it likes', async () => {
  await client.rest()
  client.taking = false
  const before = client.frames.length
  for (let i = 0; i < 10; i++) {
    client.press(0x78)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  expect(client.frames.length - before).toBeLessThanOrEqual(2)
  client.taking = true
  const later = client.keyFrame()
  client.send({ type: 'viewers', count: 1 })
  await later
})

test('a storm of sizes ends at the last one, with a key frame', async () => {
  for (let i = 0; i < 60; i++) client.send({ type: 'resize', width: 800 + i * 10, height: 600 + i * 5 })
  client.send({ type: 'resize', width: 3840, height: 2160 })
  await client.until('the last size', () => client.words.findLast(({ type }) => type === 'screen' || type === 'failed'))
  await client.until('a key frame of it', () => client.frames.findLast(({ key, width }) => key && width === 3840))
  client.send({ type: 'resize', width: 1280, height: 720 })
  await client.until('a key frame of it', () => client.frames.at(-1)?.width === 1280)
  expect(await machine.exec('xdotool getdisplaygeometry')).toBe('1280 720')
})

test('stills fit into what is asked for and carry the number of whoever asked', async () => {
  client.send({ type: 'still', requestId: 77, maxWidth: 400, maxHeight: 400, quality: 60 })
  const still = await client.until('a still', () => client.messages.find((message) => message.type === 'still'))
  expect(still).toMatchObject({ requestId: 77, width: 400, height: 225 })
  expect([...still.jpeg.subarray(0, 2)]).toEqual([0xff, 0xd8])
})

test('a rate makes the picture smaller and large again', async () => {
  client.send({ type: 'rate', kbps: 500, fps: 20, scale: 50, crf: 28 })
  await client.until('a small picture', () => client.frames.at(-1)?.width === 640)
  client.send({ type: 'rate', kbps: 8000, fps: 60, scale: 100, crf: 23 })
  await client.until('a large picture', () => client.frames.at(-1)?.width === 1280)
})

test('dark and light follow whoever looks', async () => {
  client.send({ type: 'theme', dark: true })
  await machine.until('grep -c Adwaita-dark /run/helix/desktop/xsettings.conf', (said) => said === '1')
  client.send({ type: 'theme', dark: false })
  await machine.until('grep -c Adwaita-dark /run/helix/desktop/xsettings.conf', (said) => said === '0')
})

test('sound is heard while somebody listens', async () => {
  client.send({ type: 'audio', on: true })
  await machine.until('pgrep -c helix-audio', (said) => said === '1')
  await machine.exec('head -c 400000 /dev/urandom | timeout 10 pacat --raw')
  await client.until('a packet', () => client.messages.some(({ type }) => type === 'audio'))
  client.send({ type: 'audio', on: false })
  await machine.until('pgrep -c helix-audio', (said) => said === '0')
})

test.for(['helix-capture', 'helix-input', 'openbox --config', 'tint2', 'dbus-daemon', 'pulseaudio'])(
  '%s comes back when it is killed',
  async (program) => {
    const before = await machine.pidOf(program)
    await machine.kill(program)
    await machine.until(`pgrep -o -f "${program}"`, (said) => said !== '' && Number(said) !== before)
  },
)

test('after the end of the X server there is a desktop again, with a key frame and hands', async () => {
  const after = client.frames.length
  await machine.kill('Xvnc')
  await client.until('a key frame', () => client.frames.slice(after).some(({ key }) => key))
  await client.rest()
  client.sendBytes(encodePointer({ x: 123, y: 45, buttons: 0, relative: false }))
  await machine.until('xdotool getmouselocation', (said) => said.startsWith('x:123 y:45'))
})

test('nonsense of a host is left out', async () => {
  for (let seed = 1; seed < 3000; seed++) {
    const bytes = Uint8Array.from({ length: (seed * 7) % 40 }, (_, at) => (seed * 31 + at * 17 + ((seed * at) % 251)) % 256)
    if (bytes[0] !== 5) client.sendBytes(bytes)
  }
  for (const text of ['', '{', '[]', '{"type":"x"}', '{"type":"resize","width":-1,"height":1}', `{"type":"rate"${' '.repeat(70_000)}}`])
    client.sendRaw(text)
  const next = client.keyFrame()
  client.send({ type: 'keyframe' })
  await next
  expect(client.closed).toBe(false)
})

test('of two hosts the newer one has the desktop, and strangers have nothing', async () => {
  const newer = await machine.connect()
  await client.until('its end', () => client.closed)
  client = newer
  await client.watch()
  const stranger = machine.dial('Bearer machine-token')
  const status = await new Promise((resolve) => stranger.once('unexpected-response', (_, response) => resolve(response.statusCode)))
  expect(status).toBe(401)
})

test('the supervisor stays small with a desktop', async () => {
  const pid = await machine.pidOf('^/opt/helix/node')
  const memory = await docker('exec', machine.id, 'grep', 'RssAnon', `/proc/${pid}/status`)
  expect(Number(/\d+/.exec(memory)?.[0])).toBeLessThan(60 * 1024)
})

/** What a host is told that may not have a desktop. */
async function refusalOf(other: DesktopMachine): Promise<string> {
  for (let tries = 0; tries < 400; tries++) {
    const socket = other.dial()
    const said = await new Promise<string>((resolve) => {
      socket.once('unexpected-response', async (_, response) => {
        let body = ''
        for await (const chunk of response) body += chunk
        resolve(`${response.statusCode} ${body}`)
      })
      socket.once('error', () => resolve(''))
      socket.once('open', () => resolve('open'))
    })
    if (said !== '') return said
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return 'nothing listens'
}

test('a project without desktops is told so, and nothing of one runs', async () => {
  await using plain = await DesktopMachine.start({ enabled: false })
  expect(await refusalOf(plain)).toContain('409 Desktops are switched off in the settings of this project')
  expect(await plain.exec('echo "[$DISPLAY]"; pgrep -c Xvnc')).toBe('[]\n0')
})

test('an image of a project has a desktop by the kit where it has an X server, and is told what it lacks where not', async () => {
  const kit = await docker('volume', 'create', '--label', 'helix.test=session')
  try {
    await docker('run', '--rm', `--volume=${kit}:/kit`, '--entrypoint=/opt/helix/node', image, '/opt/helix/make-kit.mjs')
    const able = await DesktopMachine.start({}, {}, [], { image: 'helix-session-system:dev', kit })
    try {
      const host = await able.connect()
      await host.watch()
      expect(host.frames[0]).toMatchObject({ key: true, width: 1280 })
    } finally {
      await able[Symbol.asyncDispose]()
    }
    const unable = await DesktopMachine.start({}, {}, [], { image: 'helix-session-builder:dev', kit })
    try {
      expect(await refusalOf(unable)).toContain('409 The image helix-session-builder:dev has no X server that Helix can show')
    } finally {
      await unable[Symbol.asyncDispose]()
    }
  } finally {
    await docker('volume', 'rm', '--force', kit)
  }
})
