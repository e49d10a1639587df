import { factsBlock } from '../internal/prompts.ts'
import { specFolderOfRow, type TaskRow } from '../tasks/store.ts'

export interface AskedThread {
  /** Null: about the whole spec. */
  document: string | null
  quote: string | null
  said: readonly { author: string; body: string }[]
}

/** What the agent gets when a person puts a thread to it. */
export function composeQuestion(task: TaskRow, repository: string, { document, quote, said }: AskedThread): string {
  const folder = `/workspace/helix-specs/${specFolderOfRow(task)}`
  const where =
    document === null ? 'On the whole spec' : `In ${folder}/${document}.md, on this passage:\n\n${(quote ?? '').replace(/^/gm, '> ')}`
  const thread = said.map(({ author, body }) => `${author}: ${body}`).join('\n\n')
  const block = factsBlock({ task, repositories: [{ name: repository }] }, 'planning')
  return `A reviewer asks about the spec. ${where}

${thread}

Answer in your last message of this turn, short and exact: it is shown as your reply in the thread. Change the documents only where the question asks for it or shows a mistake; then commit
and push helix-specs before you answer, and say in one sentence what you changed. Do not begin with the implementation.

${block.replace('\n</helix-task>', '\nround: answer_comment\n</helix-task>')}
`
}
