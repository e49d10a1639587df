import type { Attachment } from '@helix/contract/attachments'

/** Units: bytes. Enough for every mark below. */
export const headLength = 64 * 1024

const starts = (head: Buffer, bytes: string, at = 0): boolean => head.subarray(at, at + bytes.length).equals(Buffer.from(bytes, 'latin1'))

/** Text that a browser would run, were it told that it is a document. */
const active = /^\s*(?:<\?xml|<!doctype|<!--|<html|<svg|<script|<body|<head|<iframe)/i

/**
 * What a file is by its first bytes; its name says nothing. SVG and HTML are never shown as such: they are bytes to download, like everything
 * that is not known.
 */
export function contentTypeOf(head: Buffer): Attachment['type'] {
  if (starts(head, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (starts(head, '\xff\xd8\xff')) return 'image/jpeg'
  if (starts(head, 'GIF87a') || starts(head, 'GIF89a')) return 'image/gif'
  if (starts(head, 'RIFF') && starts(head, 'WEBP', 8)) return 'image/webp'
  if (starts(head, '%PDF-')) return 'application/pdf'
  if (starts(head, 'PK\x03\x04') || starts(head, 'PK\x05\x06')) return 'application/zip'
  if (starts(head, 'ftyp', 4)) return 'video/mp4'
  const text = head.toString('utf8')
  const broken = head.includes(0) || text.slice(0, -3).includes('\ufffd')
  return broken || active.test(text.replace(/^\ufeff/, '')) ? 'application/octet-stream' : 'text/plain'
}

/** Reads a piece of the file; shorter at its end. */
export type ReadPiece = (at: number, length: number) => Promise<Buffer>

/** More segments than any camera or profile writes before the size. */
const segmentsRead = 512
/** Stand alone: no length follows. */
const bare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)
const says = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** The size stands behind profiles and previews of any length: it is looked up segment by segment, wherever in the file it is. */
async function jpegPixels(read: ReadPiece): Promise<number | null> {
  let at = 2
  for (let segment = 0; segment < segmentsRead; segment++) {
    const piece = await read(at, 9)
    const marker = piece[1]
    if (piece[0] !== 0xff || marker === undefined) return null
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) at += 1
    else if (bare(marker)) at += 2
    else if (piece.length < 9 || marker === 0xda || marker === 0xd9) return null
    else if (says(marker)) return piece.readUInt16BE(5) * piece.readUInt16BE(7)
    else at += 2 + Math.max(2, piece.readUInt16BE(2))
  }
  return null
}

function webpPixels(head: Buffer): number | null {
  if (head.length < 30) return null
  if (starts(head, 'VP8X', 12)) return (head.readUIntLE(24, 3) + 1) * (head.readUIntLE(27, 3) + 1)
  if (starts(head, 'VP8L', 12)) {
    const bits = head.readUInt32LE(21)
    return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1)
  }
  return (head.readUInt16LE(26) & 0x3fff) * (head.readUInt16LE(28) & 0x3fff)
}

const images: readonly Attachment['type'][] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']
export const isImage = (type: Attachment['type']): boolean => images.includes(type)

/** Width times height as the image's header says; null when it does not say, or says nothing. */
export async function pixelsOf(type: Attachment['type'], read: ReadPiece): Promise<number | null> {
  if (type === 'image/jpeg') return (await jpegPixels(read)) || null
  const head = await read(0, 32)
  if (head.length < 10) return null
  if (type === 'image/gif') return head.readUInt16LE(6) * head.readUInt16LE(8) || null
  if (type === 'image/webp') return webpPixels(head) || null
  return type === 'image/png' && head.length >= 24 ? head.readUInt32BE(16) * head.readUInt32BE(20) || null : null
}
