import { randomBytes } from 'node:crypto'
import type { JournalPayload } from '@helix/contract/sessions'
import { nothingRedacted, type Redactor } from '../redactor.ts'

type Role = 'agent' | 'thought'

/** Units: characters, after which a chunk is written at once. */
const fullCharacters = 2048
/** Units: characters of the longest chunk; what an agent sends in one piece beyond it is cut. */
const longestCharacters = 16 * 1024
const waitMs = 150

/**
 * Joins the words of an agent to chunks of at most 150 ms or about 2 KB. A message goes on until the role changes, the agent says that
 * another begins, or something else happens in between; each gets an id of its own, since agents reuse theirs after a tool call.
 */
export class Coalescer {
  private readonly emit: (payload: JournalPayload) => void
  private readonly redactor: Redactor
  private text = ''
  private message: { id: string; role: Role; agentsId: string | null } | null = null
  private timer: NodeJS.Timeout | undefined

  constructor(emit: (payload: JournalPayload) => void, redactor: Redactor = nothingRedacted) {
    this.emit = emit
    this.redactor = redactor
  }

  push(role: Role, text: string, agentsId: string | null): void {
    if (text === '') return
    if (this.message === null || this.message.role !== role || this.message.agentsId !== agentsId) {
      this.endMessage()
      this.message = { id: randomBytes(9).toString('base64url'), role, agentsId }
    }
    this.text += text
    if (this.text.length >= fullCharacters) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), waitMs)
  }

  /** Writes what is held; what comes next is a new message. */
  endMessage(): void {
    this.flush()
    // Half a surrogate pair, or the beginning of a secret, whose rest never came.
    if (this.text !== '') this.write(this.text)
    this.text = ''
    this.message = null
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.text = this.redactor.text(this.text)
    // A pair that the agent split over two chunks is not cut in two, nor is a secret.
    const held = Math.max(isHighSurrogate(this.text.at(-1)) ? 1 : 0, this.redactor.pending(this.text))
    const whole = this.text.slice(0, this.text.length - held)
    this.text = this.text.slice(whole.length)
    for (const piece of pieces(whole)) this.write(piece)
  }

  private write(text: string): void {
    if (this.message !== null) this.emit({ kind: 'chunk', messageId: this.message.id, role: this.message.role, text })
  }
}

function* pieces(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    let end = Math.min(start + longestCharacters, text.length)
    if (end < text.length && isHighSurrogate(text[end - 1])) end -= 1
    yield text.slice(start, end)
    start = end
  }
}

function isHighSurrogate(unit: string | undefined): boolean {
  return unit !== undefined && unit >= '\ud800' && unit <= '\udbff'
}
