import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import type { Ground } from '../../bench/stream/ground.ts'
import { commandOf, descriptorsOf, processOf, processorNs, residentMb } from '../../bench/stream/processes.ts'
import { RawViewer } from '../../bench/stream/raw-viewer.ts'
import { say } from '../../setup/progress.mjs'

/** Something that was counted before and after; `most`: what it may be afterwards. */
export interface Count {
  what: string
  before: number
  after: number
  most: number
}

/** Sockets that are being closed, and files that a log is turned over to. */
const looseDescriptors = 6
/** Units: MB. What a garbage collector may not have looked at. */
const looseMb = 20
const atOnce = 10

const hostPid = (ground: Ground): number => ground.scratch.stack.process('sandbox-host').pid ?? 0

function counted(what: string, pid: number): (when: string) => Count[] {
  const before = { descriptors: descriptorsOf(pid), mb: Math.round(residentMb(pid)) }
  return (when) => [
    {
      what: `descriptors of ${what} after ${when}`,
      before: before.descriptors,
      after: descriptorsOf(pid),
      most: before.descriptors + looseDescriptors,
    },
    { what: `MB of ${what} after ${when}`, before: before.mb, after: Math.round(residentMb(pid)), most: before.mb + looseMb },
  ]
}

async function visit(ground: Ground, sessionId: SessionId): Promise<void> {
  using viewer = await RawViewer.open(ground, sessionId)
  await viewer.firstFrame()
}

/** Viewers that come, see a picture and go without a word. */
export async function connectAndLeave(ground: Ground, sessionId: SessionId, cycles: number): Promise<Count[]> {
  await ground.show(sessionId, 'type', 10)
  // Code is compiled and buffers have their size.
  for (let cycle = 0; cycle < 50; cycle++) await visit(ground, sessionId)
  const supervisor = commandOf(await ground.containerOf(sessionId), 'supervisor.mjs')
  const counts = [counted('the host', hostPid(ground)), counted('the supervisor', supervisor)]
  let seen = 0
  for (let cycle = 0; cycle < cycles; cycle += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => visit(ground, sessionId)))
    seen += atOnce
    if (seen % 200 === 0) say(`${seen} viewers came and went`)
  }
  await sleep(5000)
  return counts.flatMap((count) => count(`${seen} viewers`))
}

/** Kills the encoder again and again; each time a frame of the next one must come. The picture is a moving one. */
export async function encodersKilled(ground: Ground, sessionId: SessionId, kills: number): Promise<Count[]> {
  await ground.show(sessionId, 'scroll', 20)
  const container = await ground.containerOf(sessionId)
  using viewer = await RawViewer.open(ground, sessionId)
  await viewer.firstFrame()
  const counts = [counted('the host', hostPid(ground)), counted('the supervisor', commandOf(container, 'supervisor.mjs'))]
  let longest = 0
  for (let kill = 0; kill < kills; kill++) {
    process.kill(processOf(container, 'helix-capture'), 'SIGKILL')
    const killed = performance.now()
    await sleep(20)
    viewer.forget()
    await viewer.firstFrame(30_000)
    longest = Math.max(longest, performance.now() - killed)
    await sleep(300)
    if ((kill + 1) % 50 === 0) say(`${kill + 1} encoders killed, a frame again within ${longest.toFixed(0)} ms each`)
  }
  const encoder = processOf(container, 'helix-capture')
  const began = processorNs(encoder)
  await sleep(2000)
  return [
    ...counts.flatMap((count) => count(`${kills} killed encoders`)),
    { what: 'ms until a frame of the next encoder, the longest', before: 0, after: Math.round(longest), most: 6000 },
    { what: 'encoders that stand still while the picture moves', before: 0, after: processorNs(encoder) > began ? 0 : 1, most: 0 },
  ]
}

/** The X server dies with all that was on it: a new desktop comes, for who looks at it already. */
export async function serversKilled(ground: Ground, sessionId: SessionId): Promise<Count[]> {
  const container = await ground.containerOf(sessionId)
  using viewer = await RawViewer.open(ground, sessionId)
  await viewer.firstFrame()
  let longest = 0
  for (let kill = 0; kill < 5; kill++) {
    await ground.inside(sessionId, 'pkill -KILL -x "Xvfb|Xorg|Xvnc|Xtigervnc"')
    const killed = performance.now()
    await sleep(200)
    viewer.forget()
    await viewer.firstFrame(60_000)
    longest = Math.max(longest, performance.now() - killed)
    await sleep(5000)
  }
  processOf(container, 'helix-capture')
  return [{ what: 'ms until a picture of the next X server, the longest of 5', before: 0, after: Math.round(longest), most: 10_000 }]
}
