/** One message of a stream, as it came. */
export interface Received {
  id: number
  type: string
  data: Record<string, unknown>
}

/** A client of the event stream for tests, over fetch: it remembers what it got, in order. */
export class StreamReader {
  readonly events: Received[] = []
  status = 0
  /** The server ended it. */
  ended = false
  /** Of the last message, `alive` too: where a browser would go on. */
  last: number | null = null
  private readonly abort = new AbortController()
  private readonly reading: Promise<void>
  private wake: () => void = () => {}

  constructor(url: string, apiKey: string, after: number | string | null = null) {
    const headers = { authorization: `Bearer ${apiKey}`, ...(after === null ? {} : { 'last-event-id': String(after) }) }
    this.reading = this.read(`${url}/api/v1/events`, headers)
  }

  private async read(url: string, headers: Record<string, string>): Promise<void> {
    try {
      const response = await fetch(url, { headers, signal: this.abort.signal })
      this.status = response.status
      let text = ''
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const blocks = (text + chunk).split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) this.receive(block)
        this.wake()
      }
    } catch {
      // Aborted here or cut there: both are an end.
    }
    this.ended = true
    this.wake()
  }

  private receive(block: string): void {
    const match = /^id: (\d+)\nevent: (\S+)\ndata: (.*)$/.exec(block)
    if (!match) return
    this.last = Number(match[1])
    if (match[2] !== 'alive') this.events.push({ id: this.last, type: match[2] ?? '', data: JSON.parse(match[3] ?? '') })
  }

  /** Resolves when it holds, or when the stream has ended. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  /** The server took it: what is written from now on comes. */
  async opened(): Promise<this> {
    await this.until(() => this.last !== null)
    return this
  }

  async first(count: number): Promise<Received[]> {
    await this.until(() => this.events.length >= count)
    return this.events.slice(0, count)
  }

  async close(): Promise<void> {
    this.abort.abort()
    await this.reading
  }
}
