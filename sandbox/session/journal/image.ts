import { imageTypes } from '@helix/contract/sessions'

type ImageType = (typeof imageTypes)[number]

/** Units: characters of base64; a frame of the host's link holds it whole. */
const longestData = 320 * 1024

const beginnings: Record<ImageType, (bytes: Buffer) => boolean> = {
  'image/png': (bytes) => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])),
  'image/jpeg': (bytes) => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])),
  'image/gif': (bytes) => /^GIF8[79]a$/.test(bytes.subarray(0, 6).toString('latin1')),
  'image/webp': (bytes) => bytes.subarray(0, 4).toString('latin1') === 'RIFF' && bytes.subarray(8, 12).toString('latin1') === 'WEBP',
}

/** The picture as it may be shown; a sentence in its place where it is too large, or none of the kinds that are only pictures. */
export function imageOf(
  data: string,
  claimed: string,
): { kind: 'image'; mediaType: ImageType; data: string } | { kind: 'text'; text: string } {
  const size = `${Math.round((data.length * 3) / 4 / 1024)} KiB`
  if (data.length > longestData) return { kind: 'text', text: `[An image of ${size} is not kept: it is too large.]` }
  const bytes = Buffer.from(data, 'base64')
  const mediaType = imageTypes.find((type) => beginnings[type](bytes))
  // Written anew: what is not base64 was left out by the reading.
  if (mediaType !== undefined) return { kind: 'image', mediaType, data: bytes.toString('base64') }
  return { kind: 'text', text: `[An image is not kept: it says it is ${claimed.slice(0, 60)}, and is no PNG, JPEG, GIF or WebP.]` }
}
