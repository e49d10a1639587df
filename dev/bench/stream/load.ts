import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { messageType } from '@helix/contract/stream'
import type { Figures } from '../figures.ts'
import type { Ground } from './ground.ts'
import { processOf, processorShare, residentMb } from './processes.ts'
import { RawViewer } from './raw-viewer.ts'

/** Units: seconds. */
const quietFor = 10
const typingFor = 15
const pictures: readonly number[] = [messageType.frame, messageType.still]

/** What the encoder of a 1080p60 desktop costs while nothing moves and while somebody types, with one viewer. */
export async function encoderLoad(ground: Ground, sessionId: SessionId): Promise<Figures> {
  const encoder = processOf(await ground.containerOf(sessionId), 'helix-capture')
  await ground.show(sessionId, 'still')
  using viewer = await RawViewer.open(ground, sessionId)
  await viewer.firstFrame()
  // The last change is sharpened, then all is still.
  await sleep(3000)
  viewer.forget()
  const quiet = await processorShare(encoder, quietFor)
  const frames = [...viewer.types].filter(([type]) => pictures.includes(type)).reduce((sum, [, count]) => sum + count, 0)
  const bytes = viewer.bytes
  await ground.show(sessionId, 'type', 10)
  await sleep(1000)
  const typing = await processorShare(encoder, typingFor)
  return {
    'still screen: frames': { value: frames, unit: '', bar: 0 },
    // A figure of one decimal: 0.0.
    'still screen: encoder': { value: quiet, unit: '% of a core', bar: 0.049 },
    [`still screen: bytes in ${quietFor} s`]: { value: bytes, unit: 'B', bar: 200 },
    'typing 1080p60: encoder': { value: typing, unit: '% of a core', bar: 10 },
    'memory: encoder 1080p': { value: residentMb(encoder), unit: 'MB', bar: 60 },
  }
}
