import { changeFor, testFile } from './change.ts'
import type { Conversation } from './conversation.ts'
import { specDocuments } from './documents.ts'
import { lastFacts, readFacts, type TaskFacts } from './facts.ts'
import { commit, failureMark, push, quote, writeFile } from './shell.ts'

/** The script's next move: words, and a command or the end of the turn. */
export interface Answer {
  text: string
  command: string | null
}

interface Step {
  text: string
  command: string
}

const folderOf = (facts: TaskFacts): string => `${facts.specsWorktree}/${facts.specFolder}`
const pushSpecs = (facts: TaskFacts, message: string): string =>
  `${commit(facts.specsWorktree, quote(facts.specFolder), message)}\n${push('helix-specs')}`

function planning(facts: TaskFacts): Step[] {
  const documents = specDocuments(facts)
  const write = Object.entries(documents).map(([name, content]) => writeFile(`${folderOf(facts)}/${name}.md`, content))
  return [
    { text: 'Looking at the repository.', command: `cd ${quote(facts.repository)} && git log --oneline -5; git ls-files | head -40` },
    {
      text: 'Writing requirements, design and tasks.',
      command: `${write.join(' && ')} && ls -l ${quote(folderOf(facts))} || echo ${failureMark} write`,
    },
    { text: 'Pushing the spec.', command: pushSpecs(facts, `Spec for #${facts.number}: ${facts.title}`) },
  ]
}

function reviseSpec(facts: TaskFacts): Step[] {
  const said = facts.text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 20)
    .map((line) => `> ${line}`)
    .join('\n')
  const section = `\n## Changes after review (${facts.mark})\n\nThe demo script cannot judge the remarks; it records them for the implementation:\n\n${said}\n`
  const file = quote(`${folderOf(facts)}/requirements.md`)
  const append = `grep -qF ${quote(facts.mark)} ${file} || printf %s ${quote(Buffer.from(section).toString('base64'))} | base64 -d >> ${file}`
  return [
    { text: 'Recording the review in the requirements.', command: append },
    { text: 'Pushing the new revision.', command: pushSpecs(facts, `Review of #${facts.number} recorded (${facts.mark})`) },
  ]
}

/** Where the module and its test go: into a JavaScript project's own folders, else into a folder of their own. */
function place(facts: TaskFacts): string {
  return [
    `cd ${quote(facts.repository)} || echo ${failureMark} folder`,
    `if [ -f package.json ] && [ -d src ] && [ -d test ]; then`,
    `  module=${quote(`src/${facts.slug}.js`)}; check=${quote(`test/${facts.slug}.test.js`)}; from=${quote(`../src/${facts.slug}.js`)}`,
    `else`,
    `  module=${quote(`helix-demo/${facts.slug}/${facts.slug}.mjs`)}; check=${quote(`helix-demo/${facts.slug}/${facts.slug}.test.mjs`)}; from=${quote(`./${facts.slug}.mjs`)}`,
    `fi`,
  ].join('\n')
}

const runTests = `node=$(command -v node || echo /opt/helix/node); "$node" --test "$check" || echo ${failureMark} tests`

function implementing(facts: TaskFacts): Step[] {
  const change = changeFor(facts.title)
  const encoded = (text: string): string => quote(Buffer.from(text).toString('base64'))
  const write = [
    place(facts),
    `mkdir -p "$(dirname "$module")" "$(dirname "$check")"`,
    `printf %s ${encoded(change.source)} | base64 -d > "$module"`,
    `printf %s ${encoded(testFile(change, '@from@'))} | base64 -d | sed "s|@from@|$from|" > "$check"`,
    `ls -l "$module" "$check"`,
  ].join('\n')
  const keep = [
    place(facts),
    `git add -- "$module" "$check" && (git diff --cached --quiet || git commit -q -m ${quote(facts.title)})`,
    push(facts.branch),
  ].join('\n')
  const tick = `if [ -f ${quote(`${folderOf(facts)}/tasks.md`)} ]; then\nsed -i 's/^- \\[ \\]/- [x]/' ${quote(`${folderOf(facts)}/tasks.md`)}\n${pushSpecs(facts, `Tasks of #${facts.number} done`)}\nfi`
  return [
    { text: 'Writing the module and its tests.', command: write },
    { text: 'Running the tests.', command: `${place(facts)}\n${runTests}` },
    { text: 'Committing and pushing the branch.', command: keep },
    { text: 'Marking the tasks as done.', command: tick },
  ]
}

function reviseImplementation(facts: TaskFacts): Step[] {
  const line = `// Review ${facts.mark}: ${facts.text.replace(/\s+/g, ' ').slice(0, 200)}`
  const annotate = `${place(facts)}\ngrep -qF ${quote(facts.mark)} "$module" || printf '%s\\n' ${quote(line)} >> "$module"\n${runTests}`
  const keep = `${place(facts)}\ngit add -- "$module" && (git diff --cached --quiet || git commit -q -m ${quote(`Review of #${facts.number} recorded (${facts.mark})`)})\n${push(facts.branch)}`
  return [
    { text: 'Recording the review beside the code.', command: annotate },
    { text: 'Pushing the branch.', command: keep },
  ]
}

function resolveConflict(facts: TaskFacts): Step[] {
  const merge = `cd ${quote(facts.repository)} && git fetch -q origin && git merge -q --no-edit -X ours ${quote(`origin/${facts.baseBranch}`)} || echo ${failureMark} merge`
  return [
    { text: `Merging ${facts.baseBranch} into the branch.`, command: merge },
    { text: 'Pushing the branch.', command: `cd ${quote(facts.repository)}\n${push(facts.branch)}` },
  ]
}

function stepsFor(facts: TaskFacts): Step[] {
  if (facts.round === 'revise_spec') return reviseSpec(facts)
  if (facts.round === 'revise_implementation') return reviseImplementation(facts)
  if (facts.round === 'resolve_conflict') return resolveConflict(facts)
  return facts.phase === 'planning' ? planning(facts) : implementing(facts)
}

const say = (text: string, command: string | null = null): Answer => ({ text: `[demo] ${text}`, command })

/**
 * The next move in a conversation: the last <helix-task> block says what to do, the tool answers since then how far it is. Every command may run
 * twice, so a conversation that begins again ends in the same state.
 */
export function nextAnswer({ shell, entries }: Conversation): Answer {
  const at = entries.findLastIndex(({ from, text }) => from === 'user' && readFacts(text) !== null)
  const facts = lastFacts(entries.filter(({ from }) => from === 'user').map(({ text }) => text))
  if (shell === null || facts === null)
    return say('This is the Helix demo script, not a model. Configure an inference provider to talk to one.')
  const since = entries.slice(at + 1)
  if (since.some(({ from }) => from === 'user'))
    return say('I am a fixed script and cannot follow free instructions. Configure an inference provider to work with a model.')
  if (since.some(({ text }) => text.includes(failureMark))) return say('A step failed; its output says why. I stop here.')
  if (facts.round === 'answer_comment')
    return say('I am a fixed script and cannot judge the question; a model would answer here. The documents stay as they are.')
  const steps = stepsFor(facts)
  const step = steps[since.length]
  if (step !== undefined) return say(step.text, step.command)
  return say(
    facts.phase === 'planning'
      ? 'The spec is pushed and waits for its review.'
      : 'The change is tested and pushed; it waits for its review.',
  )
}
