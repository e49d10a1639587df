import { streamLimits } from '@helix/contract/stream'
import type { Clipboard } from '@helix/contract/stream-down'
import { encodeClipboard } from '@helix/contract/stream-down-encode'
import { fileSize } from '#lib/time/relative.ts'
import { words } from './messages.ts'

type Clip = { kind: 'text'; text: string } | { kind: 'png'; blob: Blob }

async function asPng(image: Blob): Promise<Blob> {
  if (image.type === 'image/png') return image
  const bitmap = await createImageBitmap(image)
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0)
  bitmap.close()
  return canvas.convertToBlob({ type: 'image/png' })
}

/** The clipboards of the person and of the desktop. Browsers let a page touch the person's only in some moments; then there is a button. */
export class Clips {
  /** What the desktop copied and the browser did not let us put into the person's clipboard. */
  waiting = $state.raw<Clip | null>(null)
  problem = $state('')
  private readonly send: (data: Uint8Array<ArrayBuffer>) => void

  constructor(send: (data: Uint8Array<ArrayBuffer>) => void) {
    this.send = send
  }

  /** The desktop copied something. `mine`: by this person, whose clipboard it is then meant for. */
  async came({ kind, bytes }: Clipboard, mine: boolean): Promise<void> {
    this.waiting =
      kind === 'text'
        ? { kind, text: new TextDecoder().decode(bytes) }
        : { kind, blob: new Blob([new Uint8Array(bytes)], { type: 'image/png' }) }
    if (mine) await this.copy()
  }

  /** Puts what waits into the person's clipboard, if the browser lets us. */
  async copy(): Promise<boolean> {
    const clip = this.waiting
    if (clip === null) return false
    try {
      if (clip.kind === 'text') await navigator.clipboard.writeText(clip.text)
      else await navigator.clipboard.write([new ClipboardItem({ 'image/png': clip.blob })])
      if (this.waiting === clip) this.waiting = null
      return true
    } catch {
      return false
    }
  }

  /** Gives the desktop what was pasted. Answers whether there was anything. */
  async paste(data: DataTransfer | null): Promise<boolean> {
    const text = data?.getData('text/plain') ?? ''
    if (text !== '') return this.give(text)
    const image = [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'))
    return image !== undefined && this.give(image)
  }

  /** What the browser keeps, where it lets us read it. */
  async read(): Promise<boolean> {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((one) => one === 'text/plain') ?? item.types.find((one) => one.startsWith('image/'))
        if (type === undefined) continue
        const blob = await item.getType(type)
        return await this.give(type === 'text/plain' ? await blob.text() : blob)
      }
    } catch {
      // Refused, or unknown to this browser: the box beside the button takes a paste from everybody.
    }
    this.problem = words.clipboardClosed
    return false
  }

  async give(clip: string | Blob): Promise<boolean> {
    this.problem = ''
    try {
      const bytes = typeof clip === 'string' ? new TextEncoder().encode(clip) : new Uint8Array(await (await asPng(clip)).arrayBuffer())
      if (bytes.byteLength > streamLimits.clipboardBytes)
        this.problem = words.clipboardLarge(fileSize(bytes.byteLength), fileSize(streamLimits.clipboardBytes))
      else this.send(encodeClipboard({ kind: typeof clip === 'string' ? 'text' : 'png', bytes }))
    } catch {
      this.problem = words.clipboardUnread
    }
    return this.problem === ''
  }
}
