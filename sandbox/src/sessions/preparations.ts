import type { SessionId } from '@helix/contract/ids'
import type { LocalSession } from './local-session.ts'

/** Units: milliseconds that a session waits for others that begin, and that one may hold others up. */
const longestMs = { wait: 3000, hold: 20_000 }
/** Units: milliseconds. Where many have begun at once, a shell that somebody asked for is open by then. */
const quietMs = 300

/**
 * Has sessions make their working copies and start their agents a few at a time, and after those that are just beginning: all at once would hold up each
 * other and the shells that people open meanwhile, and none would be ready sooner.
 */
export class Preparations {
  private readonly most: number
  private readonly waiting: { session: LocalSession; since: number }[] = []
  private beginnings = 0
  private running = 0
  private stirredAt = 0

  /** `most`: how many prepare at once. */
  constructor(most: number) {
    this.most = most
  }

  /** While the work lasts nobody begins to prepare who has not waited long. */
  async after<T>(work: () => Promise<T>): Promise<T> {
    this.beginnings++
    try {
      return await work()
    } finally {
      this.beginnings--
      this.look()
    }
  }

  /** Many have just begun, and wait to prepare: what is not for them can wait too. It lasts as long as the first of them waits at most. */
  get rush(): boolean {
    const [first] = this.waiting
    return this.waiting.length > this.most && first !== undefined && Date.now() - first.since < longestMs.wait
  }

  /** Somebody connects to the session's machine. */
  stir(sessionId: SessionId): void {
    if (!this.waiting.some(({ session }) => session.sessionId === sessionId)) return
    this.stirredAt = Date.now()
    this.lookIn(quietMs)
  }

  /** The session is told to prepare when it is its turn. One that prepares already, or is ready, takes it well. */
  admit(session: LocalSession): void {
    this.waiting.push({ session, since: Date.now() })
    this.look()
  }

  private lookIn(ms: number): void {
    setTimeout(() => this.look(), ms).unref()
  }

  /** There are others to be served first: sessions that begin, and where more wait than can prepare, people who open them. */
  private get urgent(): boolean {
    return this.beginnings > 0 || (this.waiting.length > this.most && Date.now() - this.stirredAt < quietMs)
  }

  private look(): void {
    for (let [next] = this.waiting; next !== undefined && this.running < this.most; [next] = this.waiting) {
      const leftMs = longestMs.wait - (Date.now() - next.since)
      // A timer may be early by a millisecond: then it is looked at once more.
      if (this.urgent && leftMs > 0) {
        this.lookIn(leftMs)
        return
      }
      this.waiting.shift()
      void this.run(next.session)
    }
  }

  private async run(session: LocalSession): Promise<void> {
    this.running++
    session.link.prepare()
    await untilPrepared(session)
    this.running--
    this.look()
  }
}

/** Or over, or for too long already. */
function untilPrepared({ link, gone }: LocalSession): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      unwatch()
      resolve()
    }
    const timer = setTimeout(end, longestMs.hold)
    const look = (): void => {
      if (link.status !== null && link.status.state !== 'preparing') end()
    }
    const unwatch = link.watch(look)
    void gone.then(end)
    look()
  })
}
