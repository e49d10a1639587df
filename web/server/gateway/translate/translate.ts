import { randomBytes } from 'node:crypto'
import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { HelixError } from '@helix/contract/errors'
import type { ConversationDialect } from '../ports/candidate.ts'
import type { Counts } from '../ports/counts.ts'
import type { Asked, Translate, Translated } from '../ports/translated.ts'
import type { Beat, Heading } from './answer/answer.ts'
import { beatsOf } from './answer/beats.ts'
import { answerOf } from './answer/result.ts'
import { faultBody, faultOf } from './fault.ts'
import { createDownload } from './fit/download.ts'
import type { Download } from './fit/files.ts'
import { fitQuestion } from './fit/fit.ts'
import { familyOf } from './models/family.ts'
import { modelOf } from './models/model-of.ts'
import { type DispatcherOf, sendingTo } from './models/sending.ts'
import type { Question } from './question.ts'
import { readChat } from './read/chat.ts'
import { readGenerate } from './read/generate.ts'
import { readMessages } from './read/messages.ts'
import { readResponses } from './read/responses.ts'
import { chatWriter } from './write/chat.ts'
import { bytesOf } from './write/events.ts'
import { generateWriter } from './write/generate.ts'
import { messagesWriter } from './write/messages.ts'
import { responsesWriter } from './write/responses.ts'
import type { EventWriter, Page, Writer } from './write/writer.ts'

const readers: Readonly<Record<ConversationDialect, (body: Asked['body']) => Question>> = {
  chat: readChat,
  responses: readResponses,
  messages: readMessages,
  generate: readGenerate,
}

const writers: Readonly<Record<ConversationDialect, Writer>> = {
  chat: chatWriter,
  responses: responsesWriter,
  messages: messagesWriter,
  generate: generateWriter,
}

export interface TranslateParts {
  dispatcherOf: DispatcherOf
  download?: Download
}

const json = 'application/json'
const sse = 'text/event-stream; charset=utf-8'

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** The provider’s refusal, in the client’s dialect. Throws what is no refusal. */
function refusal(asked: Asked, error: unknown): Translated {
  if (asked.signal.aborted) throw error
  const fault = faultOf(error, asked.candidate)
  if (fault.code === 'provider_failed' || fault.code === 'invalid_request')
    throw error instanceof HelixError ? error : new HelixError(fault.code, fault.message)
  const body = once(bytesOf(faultBody(asked.dialect, fault)))
  return { status: fault.status, contentType: json, retryAfterMs: fault.retryAfterMs ?? null, body, counts: () => null }
}

function headingOf(asked: Asked): Heading {
  const id = `${writers[asked.dialect].prefix}${randomBytes(12).toString('hex')}`
  return { id, model: asked.candidate.model, createdAt: Math.floor(Date.now() / 1000) }
}

/** Takes the stream up to its first words, so that an error before them is an answer with a status and not a broken stream. */
async function begun(beats: AsyncGenerator<Beat>): Promise<AsyncGenerator<Beat>> {
  const first = await beats.next()
  return (async function* () {
    if (first.done) return
    yield first.value
    yield* beats
  })()
}

/** Throws `provider_failed` where the stream breaks: what is then said to the client is the gateway’s, as for any broken stream. */
async function* written(asked: Asked, beats: AsyncGenerator<Beat>, writer: EventWriter): AsyncGenerator<Uint8Array> {
  try {
    yield* writer.begin()
    for await (const beat of beats) yield* beat.type === 'end' ? writer.end(beat.end) : writer.take(beat)
  } catch (error) {
    if (asked.signal.aborted || error instanceof HelixError) throw error
    throw new HelixError('provider_failed', faultOf(error, asked.candidate).message)
  }
}

/** Calls in another dialect than the client’s, by the AI SDK’s providers. */
export function createTranslate({ dispatcherOf, download = createDownload() }: TranslateParts): Translate {
  return async (asked) => {
    const { candidate, dialect, body, signal } = asked
    const question = readers[dialect](body)
    const family = familyOf(candidate, question)
    const page: Page = { heading: headingOf(asked), question, body }
    const sent = JSON.stringify(body).length
    try {
      const options = await fitQuestion(question, candidate, family, download, signal)
      const model = await modelOf({ fetch: sendingTo(candidate, dispatcherOf, asked.headers), candidate }, family)
      if (asked.streamed) return await stream(asked, page, (await model.doStream(options)).stream, sent)
      const answer = answerOf(await model.doGenerate(options satisfies LanguageModelV4CallOptions), candidate.provider, sent)
      const whole = once(bytesOf(writers[dialect].whole(answer, page)))
      return { status: 200, contentType: json, retryAfterMs: null, body: whole, counts: () => answer.end.counts }
    } catch (error) {
      return refusal(asked, error)
    }
  }
}

async function stream(asked: Asked, page: Page, parts: ReadableStream<LanguageModelV4StreamPart>, sent: number): Promise<Translated> {
  const { beats, counts } = beatsOf(parts, asked.candidate.provider, sent)
  const ready = await begun(beats)
  let known: Counts | null = null
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield* written(asked, ready, writers[asked.dialect].events(page))
    } finally {
      // A stream that broke has cost what came of it.
      known = counts()
    }
  }
  return { status: 200, contentType: sse, retryAfterMs: null, body: body(), counts: () => known }
}
