import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Family } from '../models/family.ts'

type SystemMessage = Extract<LanguageModelV4Prompt[number], { role: 'system' }>

const isSystem = (message: LanguageModelV4Prompt[number]): message is SystemMessage => message.role === 'system'

/** Templates of small models know one system message. */
function asOne(messages: readonly SystemMessage[]): SystemMessage[] {
  return messages.length < 2 ? [...messages] : [{ role: 'system', content: messages.map(({ content }) => content).join('\n\n') }]
}

/** Only OpenAI takes words of the system in the middle of a conversation: elsewhere they become the user’s, marked. */
export function fitSystem(prompt: LanguageModelV4Prompt, family: Family): LanguageModelV4Prompt {
  if (family === 'openai_chat' || family === 'openai_responses') return prompt
  const start = prompt.findIndex((message) => !isSystem(message))
  const head = prompt.slice(0, start < 0 ? prompt.length : start).filter(isSystem)
  const rest: LanguageModelV4Prompt = []
  for (const message of prompt.slice(head.length)) {
    const last = rest.at(-1)
    if (!isSystem(message)) {
      if (message.role === 'user' && last?.role === 'user') last.content.push(...message.content)
      else rest.push(message.role === 'user' ? { ...message, content: [...message.content] } : message)
      continue
    }
    const part = { type: 'text' as const, text: `<system>\n${message.content}\n</system>` }
    if (last?.role === 'user') last.content.push(part)
    else rest.push({ role: 'user', content: [part] })
  }
  return [...(family === 'compatible' ? asOne(head) : head), ...rest]
}
