import { createHash } from 'node:crypto'
import { createClient } from '@helix/contract/client'
import type { HostId, SessionId } from '@helix/contract/ids'
import { listRecorded, segmentHash, segmentPath } from '@helix/contract/recording-wire'
import { box, boxHead, type Sample, u32, writeFragment } from '@helix/contract/segment-bytes'
import { writeInit } from '@helix/contract/segment-init'
import { clip } from './desktop-clip.ts'
import type { Installation } from './installation.ts'

/** The NAL units of an access unit in Annex B. */
function nalsOf(unit: Uint8Array): Uint8Array[] {
  const starts: number[] = []
  for (let at = 0; at + 2 < unit.length; at++) if (unit[at] === 0 && unit[at + 1] === 0 && unit[at + 2] === 1) starts.push(at + 3)
  return starts.map((start, index) => {
    const next = starts[index + 1]
    const end = next === undefined ? unit.length : next - (unit[next - 4] === 0 ? 4 : 3)
    return unit.subarray(start, end)
  })
}

const sampleOf = (unit: Uint8Array): Uint8Array =>
  Buffer.concat(
    nalsOf(unit)
      .filter((nal) => ((nal[0] ?? 0) & 31) !== 9)
      .flatMap((nal) => [Uint8Array.from(u32(nal.length)), nal]),
  )

function configuration(): Uint8Array {
  const nals = nalsOf(clip[0]?.unit ?? new Uint8Array())
  const find = (type: number): Uint8Array => nals.find((nal) => ((nal[0] ?? 0) & 31) === type) ?? new Uint8Array()
  const [sps, pps] = [find(7), find(8)]
  return Uint8Array.from([1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1, 0, sps.length, ...sps, 1, 0, pps.length, ...pps])
}

/** A segment of the eight colours, each for so long. Units: milliseconds. */
export function colouredSegment(forMs: readonly number[]): Buffer {
  const samples = clip.map(({ unit, key }, index) => ({ bytes: sampleOf(unit), key, duration: (forMs[index] ?? 500) * 1000 }))
  const table = samples.map(({ bytes, key, duration }): Sample => ({ size: bytes.byteLength, key, duration }))
  const head = box('mdat')
  head.set(u32(table.reduce((sum, { size }) => sum + size, boxHead)))
  return Buffer.concat([
    writeInit({ width: 320, height: 180, avcC: configuration(), durationUs: 0 }),
    writeFragment({ sequence: 1, base: 0, samples: table }),
    head,
    ...samples.map(({ bytes }) => bytes),
  ])
}

/** What a host that records this session sends of it. */
export async function record(
  installation: Installation,
  hostId: HostId,
  sessionId: SessionId,
  startMs: number,
  body: Buffer,
): Promise<void> {
  const { url, token } = installation
  await createClient({ baseUrl: url, token })(listRecorded, { params: { hostId } })
  const names: Record<string, string> = { hostId, sessionId, epoch: '1', startedUs: `${startMs * 1000}` }
  const answer = await fetch(`${url}${segmentPath.replace(/:(\w+)/g, (_, name: string) => names[name] ?? '')}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, [segmentHash]: createHash('sha256').update(body).digest('hex') },
    body: new Uint8Array(body),
  })
  if (!answer.ok) throw new Error(`the segment was answered with ${answer.status}: ${await answer.text()}`)
}
