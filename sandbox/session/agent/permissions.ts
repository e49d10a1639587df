import { randomBytes } from 'node:crypto'
import { answerOption, declineOption, type FormValues } from '@helix/contract/forms'
import type { PermissionAnswer } from '@helix/contract/link'
import type { PermissionMode } from '@helix/contract/permission-mode'
import type { JournalPayload, PermissionOption } from '@helix/contract/sessions'
import type { Form } from './elicitation.ts'

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

interface Given {
  optionId: string
  values: FormValues
}

/**
 * The agent's requests for permission, and its questions. The container is the boundary, so that permission may be given at once; where people want to be
 * asked, and for a question, each waits for its answer, which comes at least once and counts once.
 */
export class Permissions {
  private readonly input: PermissionsInput
  private readonly waiting = new Map<string, (given: Given | null) => void>()

  constructor(input: PermissionsInput) {
    this.input = input
  }

  /** Resolves with the option chosen; null when the question is over without one. */
  ask(question: Question): Promise<string | null> {
    if (this.input.mode === 'allow') return Promise.resolve(this.allow(question))
    const { title, tool, options } = question
    return this.wait({ title, tool, options: options.slice(0, 20) }).then((given) => given?.optionId ?? null)
  }

  /** Resolves with what a person filled in; null when they declined, `over` when the question is. */
  async elicit({ message, fields }: Form): Promise<FormValues | null | 'over'> {
    const given = await this.wait({ title: message, tool: 'question', options: [answerOption, declineOption], fields })
    if (given === null) return 'over'
    return given.optionId === answerOption.id ? given.values : null
  }

  answer({ requestId, optionId, answeredBy, values }: PermissionAnswer): void {
    if (this.waiting.has(requestId)) this.end(requestId, 'selected', { optionId, values: values ?? {} }, answeredBy)
    // It was asked by an agent that is gone, perhaps on a volume that is gone: whoever sends this must hear that it is over.
    else if (this.input.find(requestId) !== 'ended') this.end(requestId, 'void')
  }

  /** The turn is cancelled: ACP wants each open request answered so. */
  cancelAll(): void {
    for (const requestId of [...this.waiting.keys()]) this.end(requestId, 'cancelled')
  }

  /** The agent is gone, and with it who waits. `others`: open requests of an earlier start. */
  voidAll(others: readonly string[] = []): void {
    for (const requestId of [...this.waiting.keys(), ...others]) this.end(requestId, 'void')
  }

  private wait(
    asked: Pick<Extract<JournalPayload, { kind: 'permission' }>, 'title' | 'tool' | 'options' | 'fields'>,
  ): Promise<Given | null> {
    const requestId = randomBytes(12).toString('base64url')
    this.input.write({ kind: 'permission', requestId, promptId: this.input.promptId(), ...asked })
    return new Promise((resolve) => this.waiting.set(requestId, resolve))
  }

  private end(
    requestId: string,
    outcome: 'selected' | 'cancelled' | 'void',
    given: Given | null = null,
    answeredBy: string | null = null,
  ): void {
    const resolve = this.waiting.get(requestId)
    this.waiting.delete(requestId)
    const values = given === null || Object.keys(given.values).length === 0 ? {} : { values: given.values }
    this.input.write({ kind: 'permission_end', requestId, outcome, optionId: given?.optionId ?? null, answeredBy, ...values })
    resolve?.(given)
  }

  /** Not "always": some agents write that into the repository's settings. */
  private allow({ title, options }: Question): string | null {
    const option = options.find(({ kind }) => kind === 'allow_once') ?? options.find(({ kind }) => kind === 'allow_always')
    if (option !== undefined) this.input.notice(`Allowed: ${title}`)
    return option?.id ?? null
  }
}
