import type { LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider'

type Of<Role extends LanguageModelV4Message['role']> = Extract<LanguageModelV4Message, { role: Role }>
export type AssistantPart = Of<'assistant'>['content'][number]
export type UserPart = Of<'user'>['content'][number]
export type ResultPart = Extract<Of<'tool'>['content'][number], { type: 'tool-result' }>

/** Builds a prompt from parts as they come: neighbours of the same role become one message, so that roles alternate. */
export class Turns {
  readonly prompt: LanguageModelV4Prompt = []
  private readonly names = new Map<string, string>()

  system(content: string, providerOptions?: LanguageModelV4Message['providerOptions']): void {
    if (content !== '') this.prompt.push({ role: 'system', content, ...(providerOptions ? { providerOptions } : {}) })
  }

  user(...parts: UserPart[]): void {
    if (parts.length === 0) return
    const last = this.prompt.at(-1)
    if (last?.role === 'user') last.content.push(...parts)
    else this.prompt.push({ role: 'user', content: parts })
  }

  assistant(...parts: AssistantPart[]): void {
    if (parts.length === 0) return
    for (const part of parts) if (part.type === 'tool-call') this.names.set(part.toolCallId, part.toolName)
    const last = this.prompt.at(-1)
    if (last?.role === 'assistant') last.content.push(...parts)
    else this.prompt.push({ role: 'assistant', content: parts })
  }

  /** A result knows its call’s id only: the name is the call’s. */
  result(part: Omit<ResultPart, 'type' | 'toolName'>): void {
    const whole: ResultPart = { type: 'tool-result', toolName: this.names.get(part.toolCallId) ?? 'unknown', ...part }
    const last = this.prompt.at(-1)
    if (last?.role === 'tool') last.content.push(whole)
    else this.prompt.push({ role: 'tool', content: [whole] })
  }
}
