import type { HelixEvent } from '@helix/contract/events'
import type { LiveListener } from './hub.ts'
import type { News, Numbered } from './news.ts'
import type { ChannelPort, LockPort, Message } from './shared.ts'
import type { Source } from './wire.ts'

/** Event number `id`: a push of branch `id`. */
export function pushed(id: number): Numbered {
  const place = { repositoryId: 'repo_01h00000000000000000000000', pushId: 'psh_01h00000000000000000000000' }
  return { id, event: { type: 'repository.pushed', ...place, branch: String(id), commit: 'c' } as HelixEvent }
}

/** The events from `after` (exclusive) to `upTo`. */
export function piece(after: number | null, upTo: number): News {
  const first = after ?? upTo
  return { after, upTo, events: Array.from({ length: upTo - first }, (_, index) => pushed(first + 1 + index)) }
}

/** Remembers what it heard: branch names, and `resync`. */
export function listener(): LiveListener & { seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    onEvent: (event) => void seen.push(event.type === 'repository.pushed' ? event.branch : event.type),
    onResync: () => void seen.push('resync'),
  }
}

/** An EventSource by hand. */
export class FakeSource implements Source {
  readyState = 0
  closed = false
  readonly from: number | null
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>()

  constructor(from: number | null) {
    this.from = from
  }
  addEventListener(type: string, take: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, take)
  }
  close(): void {
    this.closed = true
    this.readyState = 2
  }
  emit(type: string, data = '', lastEventId = ''): void {
    if (!this.closed) this.listeners.get(type)?.({ data, lastEventId } as MessageEvent<string>)
  }
  alive(id: number): void {
    this.readyState = 1
    this.emit('alive', '{}', String(id))
  }
  push(id: number): void {
    this.emit('repository.pushed', JSON.stringify(pushed(id).event), String(id))
  }
  /** `gaveUp`: the browser does not try again. */
  fail(gaveUp: boolean): void {
    this.readyState = gaveUp ? 2 : 0
    this.emit('error')
  }
}

/** The browser's lock: one holds it, the others stand in line, force takes it. */
export class FakeLock implements LockPort {
  private holder: { lose: (error: Error) => void } | null = null
  private line: (() => void)[] = []

  request(options: { steal?: boolean; signal?: AbortSignal }, held: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        const holder = { lose: reject }
        this.holder = holder
        void held().then(() => {
          resolve()
          if (this.holder === holder) this.pass()
        })
      }
      options.signal?.addEventListener('abort', () => {
        this.line = this.line.filter((one) => one !== enter)
        reject(new Error('aborted'))
      })
      if (options.steal) {
        this.holder?.lose(new Error('stolen'))
        enter()
      } else if (this.holder === null) enter()
      else this.line.push(enter)
    })
  }

  /** The holder's tab is closed: no code of it runs any more. */
  pass(): void {
    this.holder = null
    this.line.shift()?.()
  }
}

/** One channel for all tabs of a test; a message reaches every tab but its sender, as a copy. */
export class FakeAir {
  private readonly ends = new Map<object, (message: Message) => void>()

  open(): ChannelPort & { silent: boolean } {
    const end = {
      silent: false,
      post: (message: Message): void => {
        if (end.silent) return
        for (const [other, take] of this.ends) if (other !== end) take(structuredClone(message))
      },
      listen: (take: (message: Message) => void): void => void this.ends.set(end, (message) => end.silent || take(message)),
      close: (): void => void this.ends.delete(end),
    }
    return end
  }
}
