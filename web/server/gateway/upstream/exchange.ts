import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

export interface Head {
  status: number
  headers: IncomingHttpHeaders
}

/** Takes an answer as it comes; false: not more now, until `onDrain` calls back. */
export interface Sink {
  write(chunk: Buffer): boolean
  onDrain(goOn: () => void): void
}

/** Units: bytes of an answer that wait for who takes them, before the provider has to wait. */
const mostWaiting = 64 * 1024

/** One request to a provider and its answer, chunk by chunk, without a stream between: that costs most of a gateway's time. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly head: Promise<Head>
  private resolveHead: (head: Head) => void = () => {}
  private rejectHead: (error: Error) => void = () => {}
  private controller: Dispatcher.DispatchController | null = null
  private sink: Sink | null = null
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private settle: { resolve: () => void; reject: (error: Error) => void } | null = null
  private over = false
  private failure: Error | null = null
  /** The sink takes no more now. */
  private held = false

  constructor(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions) {
    this.head = new Promise((resolve, reject) => {
      this.resolveHead = resolve
      this.rejectHead = reject
    })
    // Who aborts does not wait for the head any more.
    this.head.catch(() => undefined)
    dispatcher.dispatch(options, this)
  }

  /** Ends the provider's side at once. */
  abort(reason: Error): void {
    if (this.over) return
    if (this.controller !== null) this.controller.abort(reason)
    this.fail(reason)
  }

  /** Resolves when the answer is whole; rejects when it broke or was aborted. */
  pipe(sink: Sink): Promise<void> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
      this.sink = sink
      const waiting = this.waiting
      this.waiting = []
      this.waitingBytes = 0
      for (const chunk of waiting) this.pass(chunk)
      if (this.failure !== null) reject(this.failure)
      else if (this.over) resolve()
      else if (this.controller?.paused && !this.held) this.controller.resume()
    })
  }

  private pass(chunk: Buffer): void {
    if (this.sink === null || this.sink.write(chunk) || this.held) return
    this.held = true
    this.controller?.pause()
    this.sink.onDrain(() => {
      this.held = false
      if (!this.over) this.controller?.resume()
    })
  }

  private fail(error: Error): void {
    if (this.over) return
    this.over = true
    this.failure = error
    this.rejectHead(error)
    this.settle?.reject(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.failure !== null) controller.abort(this.failure)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx: the answer is still to come.
    if (status >= 200) this.resolveHead({ status, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return
    if (this.sink !== null) {
      this.pass(chunk)
      return
    }
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    if (this.waitingBytes > mostWaiting) controller.pause()
  }

  onResponseEnd(): void {
    if (this.over) return
    this.over = true
    this.settle?.resolve()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }
}
