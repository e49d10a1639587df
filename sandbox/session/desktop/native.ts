import type { ChildProcess } from 'node:child_process'
import { messageType } from '@helix/contract/stream'
import { LengthReader, withLength } from '@helix/contract/stream-capture'
import { Kept, type KeptInput } from './kept.ts'

/** Units: bytes that may wait for a program before whoever sends is held back. */
const mostWaiting = 1024 * 1024

export interface NativeInput extends Omit<KeptInput, 'stdio' | 'began' | 'prepare'> {
  /** It is there and listens: tell it what holds. */
  began(): void
  /** One message; it may be kept. */
  received(bytes: Uint8Array<ArrayBuffer>): void
}

/** One of our own programs, which speaks the messages of the wire. */
export class Native {
  readonly kept: Kept
  private readonly input: NativeInput
  private child: ChildProcess | null = null
  private readonly waiting: (() => void)[] = []

  constructor(input: NativeInput) {
    this.input = input
    this.kept = new Kept({
      ...input,
      stdio: ['pipe', 'pipe', 'pipe'],
      began: (child) => this.attend(child),
      ended: () => {
        this.child = null
        this.release()
        input.ended?.()
      },
    })
  }

  /** False: it is not running, and nobody hears. */
  send(message: Uint8Array): boolean {
    const stdin = this.child?.stdin
    if (stdin == null || !stdin.writable) return false
    stdin.write(withLength(message))
    return true
  }

  get congested(): boolean {
    return (this.child?.stdin?.writableLength ?? 0) > mostWaiting
  }

  /** Calls back once it takes more, or is gone. */
  whenFree(then: () => void): void {
    if (this.congested) this.waiting.push(then)
    else then()
  }

  private attend(child: ChildProcess): void {
    this.child = child
    const reader = new LengthReader()
    // Its end says why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.on('drain', () => this.release())
    child.stdout?.on('data', (chunk: Buffer) => {
      for (const message of reader.read(chunk)) {
        if (message instanceof Uint8Array) this.take(message)
        else this.kept.signal('SIGKILL')
      }
    })
    this.input.began()
  }

  private take(message: Uint8Array<ArrayBuffer>): void {
    if (message[0] !== messageType.captureLog) return void this.input.received(message)
    this.input.log.info(this.input.name, { says: new TextDecoder().decode(message.subarray(2)).slice(0, 500) })
  }

  private release(): void {
    for (const then of this.waiting.splice(0)) then()
  }
}
