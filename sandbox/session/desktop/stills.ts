import { encodeStill, type StillWish } from './commands.ts'

/** Units: milliseconds. */
const deadlineMs = 5000
const requestAt = 18

/** Pictures that were asked for, by number: hosts count for themselves, and so do agents. */
export class Stills {
  private readonly send: (message: Uint8Array) => boolean
  private readonly asked = new Map<number, (bytes: Uint8Array<ArrayBuffer> | null) => void>()
  private next = 1

  constructor(send: (message: Uint8Array) => boolean) {
    this.send = send
  }

  /** The message as helix-capture sent it, under `requestId`; null: there is none now. */
  take(wish: StillWish, requestId = 0): Promise<Uint8Array<ArrayBuffer> | null> {
    const number = this.next
    this.next = (this.next % 0xffff_fffe) + 1
    return new Promise((resolve) => {
      const done = (bytes: Uint8Array<ArrayBuffer> | null): void => {
        clearTimeout(timer)
        this.asked.delete(number)
        if (bytes !== null) new DataView(bytes.buffer).setUint32(requestAt, requestId)
        resolve(bytes)
      }
      const timer = setTimeout(() => done(null), deadlineMs)
      this.asked.set(number, done)
      if (!this.send(encodeStill(number, wish))) done(null)
    })
  }

  received(number: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.asked.get(number)?.(bytes)
  }

  giveUp(): void {
    for (const done of [...this.asked.values()]) done(null)
  }
}
