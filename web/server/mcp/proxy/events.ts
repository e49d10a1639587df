import { StringDecoder } from 'node:string_decoder'

const boundary = /\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n/g

/** Cuts an SSE stream into its events, whatever the chunks are. What is not ended by an empty line is no event. */
export class EventCutter {
  private readonly decoder = new StringDecoder('utf8')
  private rest = ''
  private looked = 0

  /** Events with their empty line, in order. */
  push(chunk: Buffer): string[] {
    this.rest += this.decoder.write(chunk)
    const events: string[] = []
    let from = 0
    boundary.lastIndex = Math.max(0, this.looked - 3)
    for (let match = boundary.exec(this.rest); match !== null; match = boundary.exec(this.rest)) {
      const end = match.index + match[0].length
      events.push(this.rest.slice(from, end))
      from = end
    }
    if (from > 0) this.rest = this.rest.slice(from)
    this.looked = this.rest.length
    return events
  }

  /** Units: UTF-16 units of an event that has not ended. */
  get waiting(): number {
    return this.rest.length
  }
}

const lines = /\r\n|\n|\r/

/** What an event says; null: nothing, as those that keep a connection open. */
export function dataOf(event: string): string | null {
  const data = event.split(lines).flatMap((line) => {
    const match = /^data(?::[ ]?(.*))?$/s.exec(line)
    return match === null ? [] : [match[1] ?? '']
  })
  return data.length === 0 ? null : data.join('\n')
}

/** The event with its id and other fields, and other data. */
export function withData(event: string, data: string): string {
  const others = event.split(lines).filter((line) => line !== '' && !/^data(:|$)/.test(line))
  return `${[...others, `data: ${data}`].join('\n')}\n\n`
}
