import { createHash } from 'node:crypto'
import type { HostId, SessionId } from '@helix/contract/ids'
import { segmentHash, segmentPath } from '@helix/contract/recording-wire'
import { box, boxHead, type Sample, u32, writeFragment } from '@helix/contract/segment-bytes'
import { writeInit } from '@helix/contract/segment-init'

export interface TestPicture {
  key: boolean
  /** Units: milliseconds until the next. */
  forMs: number
  bytes: Uint8Array
}

/** A segment as a host writes it. `avcC`: of real pictures, where they are to be decoded. */
export function segmentOf(
  fragments: TestPicture[][],
  size = { width: 320, height: 180 },
  avcC: Uint8Array = Uint8Array.of(1, 66, 0, 42),
): Buffer {
  const parts: Uint8Array[] = [writeInit({ ...size, avcC, durationUs: 0 })]
  let base = 0
  for (const [index, pictures] of fragments.entries()) {
    const samples = pictures.map(({ key, forMs, bytes }): Sample => ({ key, duration: forMs * 1000, size: bytes.byteLength }))
    const head = box('mdat')
    head.set(u32(samples.reduce((sum, sample) => sum + sample.size, boxHead)))
    parts.push(writeFragment({ sequence: index + 1, base, samples }), head, ...pictures.map(({ bytes }) => bytes))
    base += samples.reduce((sum, { duration }) => sum + duration, 0)
  }
  return Buffer.concat(parts)
}

/** Pictures of one letter each, so that a reader of the film knows them again. */
export const lettered = (letters: string, forMs: number | number[] = 100): TestPicture[] =>
  [...letters].map((letter, index) => ({
    key: index === 0,
    forMs: Array.isArray(forMs) ? (forMs[index] ?? 100) : forMs,
    bytes: Buffer.from(letter.repeat(10)),
  }))

export interface TestUpload {
  url: string
  token: string
  hostId: HostId
  sessionId: SessionId
  epoch?: number
  startedMs: number
  body: Buffer
  sha256?: string
}

export function upload({ url, token, hostId, sessionId, epoch = 1, startedMs, body, sha256 }: TestUpload): Promise<Response> {
  const names: Record<string, string> = { hostId, sessionId, epoch: `${epoch}`, startedUs: `${startedMs * 1000}` }
  const hash = sha256 ?? createHash('sha256').update(body).digest('hex')
  return fetch(`${url}${segmentPath.replace(/:(\w+)/g, (_, name: string) => names[name] ?? '')}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, [segmentHash]: hash },
    body: new Uint8Array(body),
  })
}
