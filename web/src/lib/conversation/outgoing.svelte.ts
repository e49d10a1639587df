import { type Attachment, attachment } from '@helix/contract/attachments'
import { type PromptMode, promptModes } from '@helix/contract/task-work'
import { z } from 'zod'
import { type Draft, draft } from '#lib/draft.svelte.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { OnceKey } from '#lib/once-key.ts'
import { routes } from '#lib/routes.ts'
import { goto } from '$app/navigation'
import type { Talk } from './talk.ts'

/** Units: milliseconds between tries while Helix does not answer. */
const retryMs = 4000

const outgoing = z.object({
  /** Of the request: however often it is tried, it is one message. */
  key: z.string(),
  text: z.string(),
  mode: z.enum(promptModes),
  files: z.array(attachment),
})
export type Outgoing = z.infer<typeof outgoing>

function keptIn({ text }: Draft): Outgoing[] {
  try {
    if (text !== '') return z.array(outgoing).parse(JSON.parse(text))
  } catch {
    // What the browser kept is no message: nothing can be sent of it.
  }
  return []
}

/**
 * What a person writes to the agent. The draft outlives a reload and a sign-in. A message that was sent while Helix does not answer is held as it
 * was, outlives a reload too, and is tried again and again until it is stored; what is typed meanwhile is the next one.
 */
export class Message {
  readonly draft
  pending = $state(false)
  /** Sent and not stored yet, in their order. */
  held = $state.raw<readonly Outgoing[]>([])
  failure = $state.raw<Failure | null>(null)
  /** What became of the last one, for people. */
  note = $state<string | null>(null)
  private readonly talk: Talk
  private readonly once = new OnceKey()
  private readonly kept: Draft
  private flushing = false
  private disposed = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly sent: () => void
  /** Its files are the box's again. */
  private readonly gaveBack: (files: readonly Attachment[]) => void

  constructor(talk: Talk, userId: string, sent: () => void, gaveBack: (files: readonly Attachment[]) => void) {
    this.talk = talk
    this.sent = sent
    this.gaveBack = gaveBack
    this.draft = draft(`${talk.key}:composer`)
    // Whoever signs in next in this browser does not send it in their name.
    this.kept = draft(`${talk.key}:outgoing:${userId}`)
  }

  /** Goes on with what this browser kept; the server that draws the page first does not know of it. */
  begin(): void {
    this.held = keptIn(this.kept)
    void this.flush()
  }

  /** Resolves with true once it is stored, or held until it can be. */
  async send(mode: PromptMode, files: readonly Attachment[]): Promise<boolean> {
    const text = this.draft.text.trim()
    if (text === '' || this.pending) return false
    this.failure = null
    this.note = null
    const message = { key: this.once.of(JSON.stringify([text, mode, files.map(({ id }) => id)])), text, mode, files: [...files] }
    if (this.held.length > 0) return this.hold(message)
    this.pending = true
    const failure = await this.store(message)
    this.pending = false
    if (failure?.code === 'unreachable') return this.hold(message)
    this.failure = failure
    if (failure === null) this.leaveBox(message)
    if (failure?.code === 'not_signed_in') await goto(routes.signIn(location.pathname + location.search))
    return failure === null
  }

  /** Tries what is held, the oldest first, until Helix does not answer. */
  async flush(): Promise<void> {
    if (this.flushing || this.disposed) return
    clearTimeout(this.timer)
    this.flushing = true
    for (let [first] = this.held; first !== undefined; [first] = this.held) {
      const failure = await this.store(first)
      if (failure?.code === 'unreachable') {
        this.tryLater()
        break
      }
      this.failure = failure
      if (failure === null) this.put(this.held.filter((one) => one !== first))
      else this.takeBack(first)
      if (failure?.code === 'not_signed_in') await goto(routes.signIn(location.pathname + location.search))
    }
    this.flushing = false
  }

  /** It is written on, before what the box holds by now. */
  takeBack(message: Outgoing): void {
    if (!this.held.includes(message)) return
    this.put(this.held.filter((one) => one !== message))
    this.keep(message.text)
    this.gaveBack(message.files)
  }

  /** Puts what was typed elsewhere into the box, before what it holds. `note`: why, for people. */
  keep(text: string, note: string | null = null): void {
    this.draft.text = [text, this.draft.text].filter((one) => one.trim() !== '').join('\n\n')
    this.note = note
  }

  /** Ends the tries; what is held is tried again when the page is opened again. */
  dispose(): void {
    this.disposed = true
    clearTimeout(this.timer)
  }

  private tryLater(): void {
    clearTimeout(this.timer)
    if (!this.disposed) this.timer = setTimeout(() => void this.flush(), retryMs)
  }

  private hold(message: Outgoing): true {
    this.put([...this.held, message])
    this.leaveBox(message)
    this.tryLater()
    return true
  }

  private leaveBox({ text }: Outgoing): void {
    this.once.renew()
    // What was typed meanwhile is the next message.
    if (this.draft.text.trim() === text) this.draft.clear()
  }

  private put(held: readonly Outgoing[]): void {
    this.held = held
    this.kept.text = held.length === 0 ? '' : JSON.stringify(held)
  }

  /** Answers with why it was not stored. */
  private async store({ key, text, mode, files }: Outgoing): Promise<Failure | null> {
    try {
      const body = { text, mode, attachmentIds: files.map(({ id }) => id) }
      this.note = await this.talk.send(body, key)
      this.sent()
      return null
    } catch (error) {
      return failureOf(error)
    }
  }
}
