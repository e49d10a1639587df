import { closeSync, constants, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Units: bytes read at once. */
const block = 64 * 1024
const newline = 0x0a

/** A line, the byte it begins at, and the byte that the next one begins at. */
export interface Line {
  offset: number
  next: number
  text: string
}

/** An append-only file of lines. A line is whole or not there: what a failed or killed write left of one is cut off. */
export class LineFile {
  private readonly descriptor: number
  private readonly path: string
  private end: number

  constructor(path: string, end: number) {
    this.path = path
    // Nothing is followed and the agent cannot read it: the folder is the supervisor's own.
    this.descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600)
    this.end = end
    ftruncateSync(this.descriptor, end)
  }

  /** Units: bytes. */
  get size(): number {
    return this.end
  }

  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`)
    try {
      let written = 0
      while (written < bytes.length) written += writeSync(this.descriptor, bytes, written)
    } catch (error) {
      ftruncateSync(this.descriptor, this.end)
      throw error
    }
    this.end += bytes.length
  }

  /** Survives the loss of power from here on, not only of the process. */
  sync(): void {
    fdatasyncSync(this.descriptor)
  }

  /** Lines from a byte offset to the present end; the caller may stop early. */
  lines(from: number): AsyncGenerator<Line> {
    return readLines(this.path, from, this.end)
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

/** Whole lines of a file between two offsets, with where each begins; a last line without its newline is left out. */
export async function* readLines(path: string, from: number, to: number): AsyncGenerator<Line> {
  const file = await open(path, 'r')
  try {
    yield* linesOf(file, from, to)
  } finally {
    await file.close()
  }
}

async function* linesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Line> {
  let pieces: Buffer[] = []
  let offset = from
  let position = from
  while (position < to) {
    const buffer = Buffer.allocUnsafe(Math.min(block, to - position))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return
    const filled = buffer.subarray(0, bytesRead)
    let start = 0
    for (let at = filled.indexOf(newline); at !== -1; at = filled.indexOf(newline, start)) {
      pieces.push(filled.subarray(start, at))
      const next = position + at + 1
      yield { offset, next, text: Buffer.concat(pieces).toString('utf8') }
      pieces = []
      offset = next
      start = at + 1
    }
    pieces.push(filled.subarray(start))
    position += bytesRead
  }
}
