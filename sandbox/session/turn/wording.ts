const block = /<helix-task>[\s\S]*?<\/helix-task>/

/** For an agent that knows the interrupted prompt from its own session. */
export function continuationOf(prompt: string): string {
  const task = block.exec(prompt)?.[0]
  const text =
    'You were interrupted in the middle of your work. Continue where you stopped: look at the state of the working copies first, some of it may be done already, then finish the rest.'
  return task === undefined ? text : `${text}\n\n${task}`
}

/** For an agent that may never have seen the prompt, or has lost its conversation. */
export function repetitionOf(prompt: string): string {
  return `You were interrupted before, and the conversation of that time may be lost. Some of what follows may be done already: look at the state of the working copies first, then finish the rest.\n\n${prompt}`
}
