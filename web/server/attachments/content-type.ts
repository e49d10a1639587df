import type { Attachment } from '@helix/contract/attachments'

/** Units: bytes. Enough for every mark below and for the sizes of images but JPEG's. */
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

function jpegPixels(head: Buffer): number | null {
  for (let at = 2; at + 9 < head.length; ) {
    if (head[at] !== 0xff) return null
    const marker = head[at + 1] ?? 0
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return head.readUInt16BE(at + 5) * head.readUInt16BE(at + 7)
    at += 2 + head.readUInt16BE(at + 2)
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

/** Width times height as the image's header says; null when it does not say within the head. */
export function pixelsOf(type: Attachment['type'], head: Buffer): number | null {
  if (head.length < 26) return null
  if (type === 'image/png') return head.readUInt32BE(16) * head.readUInt32BE(20)
  if (type === 'image/gif') return head.readUInt16LE(6) * head.readUInt16LE(8)
  if (type === 'image/webp') return webpPixels(head)
  return type === 'image/jpeg' ? jpegPixels(head) : null
}
