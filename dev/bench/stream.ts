import { loadavg } from 'node:os'
import { takeControl } from '@helix/web/tests/pages/desktop-control.ts'
import { say } from '../setup/progress.mjs'
import { table } from '../stack/story.ts'
import { type Figures, percentile } from './figures.ts'
import { busyFigures } from './stream/busy.ts'
import { crowdFigures } from './stream/crowd.ts'
import { distribution, glass, inputToPainted } from './stream/delays.ts'
import { farFigures } from './stream/far.ts'
import { Ground, type Screen, Watcher } from './stream/ground.ts'
import { encoderLoad } from './stream/load.ts'
import { type PeerLoad, peerLoads } from './stream/peers.ts'
import { type Line, plotShares } from './stream/plot.ts'
import { clickToPicture, createdToPicture } from './stream/starts.ts'

const screens = { '720p60': { width: 1280, height: 720 }, '1080p60': { width: 1920, height: 1080 } } as const
const bars = {
  '720p60': { glass: { p50: 12, p95: 25 }, input: { p50: 15 } },
  '1080p60': { glass: { p50: 22, p95: 35 }, input: { p50: 22 } },
} as const
/** Units: seconds; presses. */
const scrolled = 20
const presses = 150

/** One line of progress for each part, with the load of the machine while it ran. */
async function part(name: string, work: () => Promise<Figures>): Promise<Figures> {
  const figures = await work()
  const text = Object.entries(figures).map(([figure, { value, unit }]) => `${figure} ${Math.round(value * 100) / 100} ${unit}`)
  say(`${name} (load ${loadavg()[0]?.toFixed(1)}): ${text.join('; ')}`)
  return figures
}

async function near(ground: Ground, lines: Line[]): Promise<Figures> {
  const figures: Figures = {}
  for (const name of ['720p60', '1080p60'] as const) {
    const screen: Screen = screens[name]
    const sessionId = await ground.runningSession(screen)
    await using watcher = await Watcher.open(ground, screen)
    await watcher.openDesktop(ground, sessionId)
    Object.assign(
      figures,
      await part(name, async () => {
        const scroll = await glass(ground, watcher, sessionId, 'scroll', scrolled)
        const video = await glass(ground, watcher, sessionId, 'video', scrolled / 2)
        await takeControl(watcher.page)
        const input = await inputToPainted(ground, watcher, sessionId, presses)
        lines.push({ name: `${name} scrolling`, values: scroll }, { name: `${name} input to painted`, values: input })
        return {
          ...distribution(`glass to glass ${name} scrolling`, scroll, bars[name].glass),
          ...distribution(`glass to glass ${name} full video`, video),
          ...distribution(`input to painted ${name}`, input, bars[name].input),
        }
      }),
    )
    if (name === '720p60') {
      Object.assign(figures, await part('far away', () => farFigures(ground, sessionId, screen)))
    } else {
      Object.assign(figures, await part('busy', () => busyFigures(ground, watcher, sessionId)))
      Object.assign(figures, await part('click', () => clickToPicture(ground, watcher, sessionId)))
      await watcher.page.close()
      Object.assign(figures, await part('encoder', () => encoderLoad(ground, sessionId)))
      Object.assign(figures, await part('crowd', () => crowdFigures(ground, sessionId)))
    }
    await ground.stop(sessionId)
  }
  return figures
}

async function created(kind: 'warm' | 'cold', bar: number): Promise<Figures> {
  await using ground = await Ground.open(say, { HELIX_WARM_SESSIONS: kind === 'warm' ? '2' : '0' })
  const name = `session created to first picture, ${kind}`
  return part(name, async () => {
    const delays = await createdToPicture(ground, kind)
    return {
      [`${name}, p50`]: { value: percentile(delays, 50), unit: 'ms', bar },
      [`${name}, the slowest of ${delays.length}`]: { value: percentile(delays, 100), unit: 'ms', bar: null },
    }
  })
}

function peerFigures(loads: readonly PeerLoad[]): Figures {
  const [own, ...others] = loads
  const rows = loads.map(({ peer, share, resident }) => [
    peer,
    ...(['still', 'typing', 'scrolling'] as const).map((scene) => share[scene].toFixed(1)),
    resident.toFixed(0),
  ])
  process.stdout.write(
    `\nThe same 1080p60 screen, percent of one core and MB\n${table(['encoder', 'still', 'typing', 'scrolling', 'MB'], rows)}\n`,
  )
  return Object.fromEntries(
    others.flatMap(({ peer, share }) =>
      (['typing', 'scrolling'] as const).map((scene) => [
        `encoder against ${peer}, ${scene}`,
        { value: ((own?.share[scene] ?? Number.NaN) / share[scene]) * 100, unit: '% of its', bar: 100 },
      ]),
    ),
  )
}

/** How soon the desktop of a session is seen and driven in Debian's Chromium, near and far, and what it costs. */
export async function bench(): Promise<Figures> {
  say(`load ${loadavg()[0]?.toFixed(1)}`)
  const lines: Line[] = []
  const peers = peerFigures(await peerLoads())
  const figures: Figures = {}
  {
    await using ground = await Ground.open(say)
    Object.assign(figures, await near(ground, lines))
  }
  Object.assign(figures, await created('warm', 1500), await created('cold', 8000), peers)
  plotShares('stream-delays.svg', 'Share of pictures on the glass within a time', lines, 60)
  return figures
}
