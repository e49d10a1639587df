import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { demoModel } from '@helix/contract/gateway'
import { sendJson } from '../door/refusal.ts'
import { type Conversation, type DemoDialect, readConversation } from './conversation.ts'
import { nextAnswer } from './script.ts'
import { type Turn, writeAnthropic } from './write-anthropic.ts'
import { writeOpenAi } from './write-openai.ts'

/** A crude measure, four characters a token: the script has no tokens. */
function countTokens(text: string): number {
  return Math.ceil(text.length / 4)
}

function turnOf(conversation: Conversation, inputTokens: number, model: string): Turn {
  const { text, command } = nextAnswer(conversation)
  const { shell } = conversation
  const call =
    command === null || shell === null
      ? null
      : { id: `demo_${randomUUID().replaceAll('-', '').slice(0, 20)}`, name: shell.name, input: inputFor(shell, command) }
  return { id: randomUUID(), model, text, call, inputTokens, outputTokens: countTokens(text) + countTokens(command ?? '') }
}

/** Other parameters that the tool insists on get a harmless word. */
function inputFor(shell: NonNullable<Conversation['shell']>, command: string): Record<string, string> {
  const others = shell.required.filter((name) => name !== shell.parameter)
  return { ...Object.fromEntries(others.map((name) => [name, 'Helix demo script'])), [shell.parameter]: command }
}

/** Answers a request in its dialect, streamed or not, as the deterministic demo script. `model` is what it answers under. */
export async function answerAsDemo(
  dialect: DemoDialect,
  path: string,
  body: object,
  response: ServerResponse,
  model: string = demoModel,
): Promise<{ inputTokens: number; outputTokens: number }> {
  const inputTokens = countTokens(JSON.stringify(body))
  if (path.endsWith('/count_tokens')) {
    sendJson(response, 200, { input_tokens: inputTokens })
    return { inputTokens, outputTokens: 0 }
  }
  const turn = turnOf(readConversation(dialect, body), inputTokens, model)
  const stream = (body as { stream?: unknown }).stream === true
  if (dialect === 'anthropic') await writeAnthropic(turn, stream, response)
  else await writeOpenAi(turn, stream, response)
  return { inputTokens: turn.inputTokens, outputTokens: turn.outputTokens }
}
