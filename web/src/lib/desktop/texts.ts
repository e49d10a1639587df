import { streamLimits } from '@helix/contract/stream'
import { encodeText } from '@helix/contract/stream-up'

/** Text as messages, none longer than the wire takes and no character cut. */
export function textMessages(text: string): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder()
  const messages: Uint8Array<ArrayBuffer>[] = []
  let part = ''
  let size = 0
  const flush = (): void => {
    if (part !== '') messages.push(encodeText({ bytes: encoder.encode(part) }))
    part = ''
    size = 0
  }
  for (const character of text) {
    const bytes = encoder.encode(character).byteLength
    if (size + bytes > streamLimits.textBytes) flush()
    part += character
    size += bytes
  }
  flush()
  return messages
}
