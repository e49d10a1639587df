import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, sandboxProblem } from '../config.ts'
import { fail } from '../setup/progress.mjs'

const names = readdirSync(join(root, 'dev/proof'))
  .filter((file) => file.endsWith('.ts') && !/^(kill|host-loss)-/.test(file))
  .map((file) => file.replace(/\.ts$/, ''))
const name = process.argv[2]
if (name === undefined || !names.includes(name)) fail(`name a proof: npm run proof -- ${names.join(' | ')}`)
/** These need no sandbox. */
const plain = new Set(['budget', 'stream-fuzz'])
if (sandboxProblem !== null && !plain.has(name)) fail(`this proof needs a sandbox: ${sandboxProblem}`)
try {
  const module = (await import(`../proof/${name}.ts`)) as { proof: (args: string[]) => Promise<boolean> }
  process.exit((await module.proof(process.argv.slice(3))) ? 0 : 1)
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
