import { changeFor } from './change.ts'
import type { TaskFacts } from './facts.ts'

const note = '> Written by the Helix demo script, which is not a model: it follows fixed rules to show the flow of a task.\n'

/** What was asked, as the prompt quotes it. */
function asked({ text, title }: TaskFacts): string {
  const request = /This is what is wanted:\n\n([\s\S]*?)\n\nLook at the repository/.exec(text)?.[1] ?? title
  return request
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n')
}

/** The three documents of a spec, true to what the script will do. */
export function specDocuments(facts: TaskFacts): { requirements: string; design: string; tasks: string } {
  const { name } = changeFor(facts.title)
  const requirements = `# Requirements: ${facts.title}\n\n${note}\n## What was asked\n\n${asked(facts)}\n\n## Acceptance criteria\n
1. When \`${name}\` is imported from its module, the system shall offer it as a named export.
2. When the tests of the module run, the system shall pass all of them.
3. While other code of the repository stays as it is, the system shall behave as before.
`
  const design = `# Design: ${facts.title}\n\n${note}\n## Approach\n
One new module with the function \`${name}\` and one test file beside the repository's tests. No existing file changes, so nothing that works can break and other tasks do not
collide with this one.\n\n## Testing\n\nThe test file runs with \`node --test\` and covers the usual case and the edges.\n\n## Decided against\n
- Adding a dependency: the function is a few lines.\n- Wiring it into existing code: nobody asked for it.\n`
  const tasks = `# Tasks: ${facts.title}\n\n- [ ] Add the module with \`${name}\`\n- [ ] Add its tests\n- [ ] Run the tests and push the branch\n`
  return { requirements, design, tasks }
}
