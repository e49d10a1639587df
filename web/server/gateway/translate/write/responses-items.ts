import type { Block } from '../answer/answer.ts'
import { wrap } from '../carry.ts'
import { toolOf } from './client-tool.ts'
import type { Page } from './writer.ts'

type Metadata = Extract<Block, { type: 'thought' }>['metadata']
type Call = Extract<Block, { type: 'call' }>

export type Item = { id: string; type: string } & Record<string, unknown>

export const emptyText = { type: 'output_text', text: '', annotations: [], logprobs: [] }

/** Ids of items are the answer’s with a number: clients hand them back, and nobody looks them up. */
export function itemId(page: Page, kind: 'msg' | 'rs' | 'fc' | 'ctc', index: number): string {
  return `${kind}_${page.heading.id.replace(/^resp_/, '')}${index}`
}

export function messageItem(id: string, text: string | null): Item {
  const content = text === null ? [] : [{ ...emptyText, text }]
  return { id, type: 'message', status: text === null ? 'in_progress' : 'completed', role: 'assistant', content }
}

export function reasoningItem(id: string, text: string, metadata: Metadata): Item {
  const summary = text === '' ? [] : [{ type: 'summary_text', text }]
  return { id, type: 'reasoning', summary, encrypted_content: wrap(metadata) }
}

/** A call’s signature stands before it, in an item that clients hand back as it is. */
export function signatureItem(id: string, metadata: NonNullable<Metadata>): Item {
  return { id, type: 'reasoning', summary: [], encrypted_content: wrap({ helix: { call: true }, ...metadata }) }
}

/** `input` null: it is still to come. */
export function callItem(page: Page, index: number, { id, name, input }: Omit<Call, 'type' | 'input'> & { input: string | null }): Item {
  const tool = toolOf(page.question, name)
  const status = input === null ? 'in_progress' : 'completed'
  const named = { call_id: id, name: tool.name, ...(tool.namespace === null ? {} : { namespace: tool.namespace }) }
  if (tool.kind === 'custom') {
    return { id: itemId(page, 'ctc', index), type: 'custom_tool_call', status, ...named, input: input === null ? '' : tool.textOf(input) }
  }
  return { id: itemId(page, 'fc', index), type: 'function_call', status, ...named, arguments: input ?? '' }
}

export function itemsOf(blocks: readonly Block[], page: Page): Item[] {
  const items: Item[] = []
  for (const block of blocks) {
    if (block.type === 'text') items.push(messageItem(itemId(page, 'msg', items.length), block.text))
    else if (block.type === 'thought') items.push(reasoningItem(itemId(page, 'rs', items.length), block.text, block.metadata))
    else {
      if (block.metadata !== undefined) items.push(signatureItem(itemId(page, 'rs', items.length), block.metadata))
      items.push(callItem(page, items.length, block))
    }
  }
  return items
}
