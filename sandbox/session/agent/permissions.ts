import { randomBytes } from 'node:crypto'
import type { PermissionAnswer } from '@helix/contract/link'
import type { PermissionMode } from '@helix/contract/permission-mode'
import type { JournalPayload, PermissionOption } from '@helix/contract/sessions'

/** What an agent asks before it uses a tool. */
export interface Question {
  title: string
  /** ACP's kind of the tool. */
  tool: string
  options: PermissionOption[]
}

export interface PermissionsInput {
  mode: PermissionMode
  /** Whose turn it is. */
  promptId(): string | null
  /** Writes an entry that survives the loss of power. */
  write(payload: JournalPayload): void
  /** What the journal knows of a request. */
  find(requestId: string): 'open' | 'ended' | undefined
  notice(text: string): void
}

/**
 * The agent's requests for permission. The container is the boundary, so that they may be allowed at once; where people want to be asked each
 * waits for its answer, which comes at least once and counts once.
 */
export class Permissions {
  private readonly input: PermissionsInput
  private readonly waiting = new Map<string, (optionId: string | null) => void>()

  constructor(input: PermissionsInput) {
    this.input = input
  }

  /** Resolves with the option chosen; null when the question is over without one. */
  ask(question: Question): Promise<string | null> {
    if (this.input.mode === 'allow') return Promise.resolve(this.allow(question))
    const requestId = randomBytes(12).toString('base64url')
    const { title, tool, options } = question
    this.input.write({ kind: 'permission', requestId, promptId: this.input.promptId(), title, tool, options: options.slice(0, 20) })
    return new Promise((resolve) => this.waiting.set(requestId, resolve))
  }

  answer({ requestId, optionId, answeredBy }: PermissionAnswer): void {
    if (this.waiting.has(requestId)) this.end(requestId, 'selected', optionId, answeredBy)
    // It was asked by an agent that is gone, perhaps on a volume that is gone: whoever sends this must hear that it is over.
    else if (this.input.find(requestId) !== 'ended') this.end(requestId, 'void', null, null)
  }

  /** The turn is cancelled: ACP wants each open request answered so. */
  cancelAll(): void {
    for (const requestId of [...this.waiting.keys()]) this.end(requestId, 'cancelled', null, null)
  }

  /** The agent is gone, and with it who waits. `others`: open requests of an earlier start. */
  voidAll(others: readonly string[] = []): void {
    for (const requestId of [...this.waiting.keys(), ...others]) this.end(requestId, 'void', null, null)
  }

  private end(requestId: string, outcome: 'selected' | 'cancelled' | 'void', optionId: string | null, answeredBy: string | null): void {
    const resolve = this.waiting.get(requestId)
    this.waiting.delete(requestId)
    this.input.write({ kind: 'permission_end', requestId, outcome, optionId, answeredBy })
    resolve?.(optionId)
  }

  /** Not "always": some agents write that into the repository's settings. */
  private allow({ title, options }: Question): string | null {
    const option = options.find(({ kind }) => kind === 'allow_once') ?? options.find(({ kind }) => kind === 'allow_always')
    if (option !== undefined) this.input.notice(`Allowed: ${title}`)
    return option?.id ?? null
  }
}
