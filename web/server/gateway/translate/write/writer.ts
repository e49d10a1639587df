import type { Answer, Beat, End, Heading } from '../answer/answer.ts'
import type { Question } from '../question.ts'

/** What an answer is written for. */
export interface Page {
  heading: Heading
  question: Question
  /** As the client sent it: some dialects repeat it. */
  body: Readonly<Record<string, unknown>>
}

/** An answer in one dialect: whole, or as events. */
export interface Writer {
  whole(answer: Answer, page: Page): object
  events(page: Page): EventWriter
  /** Of ids of answers. */
  prefix: string
}

export interface EventWriter {
  /** Before the first beat. */
  begin(): Iterable<Uint8Array>
  take(beat: Exclude<Beat, { type: 'end' }>): Iterable<Uint8Array>
  end(end: End): Iterable<Uint8Array>
}
