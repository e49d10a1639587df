import type { Page } from 'playwright-core'

/** When a picture reached the canvas and what its clock code says. Units: unix milliseconds. */
export interface Seen {
  at: number
  /** When the scene was painted; null: no code, or a broken one. */
  scene: number | null
}

const cell = 16
const wrapMs = 2 ** 24 / 10

/**
 * Runs before the viewer's worker: looks at each decoded picture that is painted, in its luma plane, and tells page and code. The viewer itself stays as it is.
 * `screenWidth`: pixels of the desktop, since pictures may be scaled.
 */
const watch = (screenWidth: number): string => `
const paint = OffscreenCanvasRenderingContext2D.prototype.drawImage
const told = new BroadcastChannel('helix-probe')
const read = async (frame, at) => {
  try {
    const scale = frame.codedWidth / ${screenWidth}
    const width = Math.ceil(32 * ${cell} * scale / 2) * 2, height = Math.ceil(${cell} * scale / 2) * 2
    const bytes = new Uint8Array(frame.allocationSize({ rect: { x: 0, y: 0, width, height } }))
    const [{ offset, stride }] = await frame.copyTo(bytes, { rect: { x: 0, y: 0, width, height } })
    const step = frame.format.startsWith('I4') || frame.format.startsWith('NV') ? 1 : 4
    const row = offset + stride * Math.floor(${cell / 2} * scale)
    let cells = 0
    for (let index = 0; index < 32; index++) cells = cells * 2 + (bytes[row + step * Math.floor((index + 0.5) * ${cell} * scale)] > 128 ? 1 : 0)
    told.postMessage({ at, cells })
  } catch (error) {
    told.postMessage({ at, cells: 0, error: String(error) })
  } finally {
    frame.close()
  }
}
OffscreenCanvasRenderingContext2D.prototype.drawImage = function (picture, ...rest) {
  paint.call(this, picture, ...rest)
  const at = performance.timeOrigin + performance.now()
  if (picture instanceof VideoFrame) void read(picture.clone(), at)
}
`

/** From now on each page of it tells what its viewer paints. Its context must let scripts of its own in (\`bypassCSP\`). */
export async function installProbe(page: Page, screenWidth: number): Promise<void> {
  await page.addInitScript(
    ({ prelude }) => {
      const scope = window as unknown as { seen: { at: number; cells: number }[] }
      scope.seen = []
      new BroadcastChannel('helix-probe').onmessage = ({ data }) => scope.seen.push(data)
      const Original = window.Worker
      window.Worker = class extends Original {
        constructor(url: string | URL, options?: WorkerOptions) {
          const address = new URL(url, location.href).href
          const script = `import ${JSON.stringify(address)};\n${prelude}`
          super(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { ...options, type: 'module' })
        }
      }
    },
    { prelude: watch(screenWidth) },
  )
}

/** What was painted since the last call; nothing while the page goes elsewhere. */
export async function takeSeen(page: Page): Promise<Seen[]> {
  const take = () => (window as unknown as { seen: { at: number; cells: number }[] }).seen.splice(0)
  const raw = await page.evaluate(take).catch((error: Error) => {
    if (/context was destroyed/.test(error.message)) return []
    throw error
  })
  return raw.map(({ at, cells }) => ({ at, scene: sceneTime(cells, at) }))
}

/** Null: the cells are no code. The code wraps each half hour, so the nearest time to `near` is meant. */
export function sceneTime(cells: number, near: number): number | null {
  const [mark, value, check] = [Math.floor(cells / 2 ** 30), Math.floor(cells / 64) % 2 ** 24, cells % 64]
  const sum = [0, 6, 12, 18].reduce((all, shift) => all + ((value >> shift) & 63), 0) % 64
  if (mark !== 2 || check !== sum) return null
  const base = Math.floor(near / wrapMs) * wrapMs + value / 10
  const [time = base] = [base - wrapMs, base, base + wrapMs].sort((a, b) => Math.abs(near - a) - Math.abs(near - b))
  return time
}
