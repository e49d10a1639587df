/** An Idempotency-Key that stays the same while the content does: a second click repeats, changed content is something new. */
export class OnceKey {
  private content: string | null = null
  private value = ''

  of(content: string): string {
    if (content !== this.content) {
      this.content = content
      this.value = crypto.randomUUID()
    }
    return this.value
  }

  /** What was done is done: the same content again is another thing. */
  renew(): void {
    this.content = null
  }
}
