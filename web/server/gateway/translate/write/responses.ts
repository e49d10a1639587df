import type { Answer, End } from '../answer/answer.ts'
import { ResponsesEvents } from './responses-events.ts'
import { itemsOf } from './responses-items.ts'
import { finishedResponse } from './responses-object.ts'
import type { Page, Writer } from './writer.ts'

function whole({ blocks, end }: Answer, page: Page): object {
  return finishedResponse(page, itemsOf(blocks, page), end satisfies End)
}

export const responsesWriter: Writer = { prefix: 'resp_', whole, events: (page) => new ResponsesEvents(page) }
