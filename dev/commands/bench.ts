import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Figures, report } from '../bench/figures.ts'
import { root, sandboxProblem } from '../config.ts'
import { fail } from '../setup/progress.mjs'

const folder = join(root, 'dev/bench')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'figures.ts')
  .map((file) => file.replace(/\.ts$/, ''))
const name = process.argv[2]
if (name === undefined || !existsSync(join(folder, `${name}.ts`)) || !names.includes(name))
  fail(`name a benchmark: npm run bench -- ${names.join(' | ')}`)
if (sandboxProblem !== null) fail(`this benchmark needs a sandbox: ${sandboxProblem}`)
try {
  const module = (await import(`../bench/${name}.ts`)) as { bench: () => Promise<Figures> }
  process.exit(report(String(name), await module.bench()))
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
