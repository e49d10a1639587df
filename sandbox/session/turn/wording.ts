import { continued, repeated, steered } from '@helix/contract/interruption'

const block = /<helix-task>[\s\S]*?<\/helix-task>/

/** What the agent is told at first; people see the text alone. */
export function firstTextOf({ text, steers }: { text: string; steers?: boolean | undefined }): string {
  return steers === true ? `${steered}\n\n${text}` : text
}

/** For an agent that knows the interrupted prompt from its own session. */
export function continuationOf(prompt: string): string {
  const task = block.exec(prompt)?.[0]
  return task === undefined ? continued : `${continued}\n\n${task}`
}

/** For an agent that may never have seen the prompt, or has lost its conversation. */
export function repetitionOf(prompt: string): string {
  return `${repeated}\n\n${prompt}`
}
