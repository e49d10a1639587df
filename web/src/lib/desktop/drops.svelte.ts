import type { SessionId } from '@helix/contract/ids'
import { sendFile } from '#lib/machine/send-file.ts'
import { Action } from '#lib/ui/action.svelte.ts'

const folder = '/workspace'

/** Files that are dropped on the desktop go into its workspace, one after the other. */
export class Drops {
  hovers = $state(false)
  sending = $state.raw<{ name: string; number: number; of: number; share: number } | null>(null)
  /** How many the last drop brought; 0: none yet. */
  sent = $state(0)
  readonly action = new Action()
  private readonly sessionId: SessionId

  constructor(sessionId: SessionId) {
    this.sessionId = sessionId
  }

  over(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    this.hovers = true
  }

  async dropped(event: DragEvent): Promise<void> {
    this.hovers = false
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    this.sent = 0
    const done = await this.action.run(() => this.send(files))
    this.sending = null
    if (done !== undefined) this.sent = done
  }

  private async send(files: File[]): Promise<number> {
    for (const [index, file] of files.entries()) {
      const of = { name: file.name, number: index + 1, of: files.length }
      this.sending = { ...of, share: 0 }
      await sendFile(this.sessionId, folder, file, (share) => (this.sending = { ...of, share }))
    }
    return files.length
  }
}
