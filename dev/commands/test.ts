import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkCount, runChecks } from '../checks.ts'
import { postgresFolder, root, sandboxProblem } from '../config.ts'
import { say } from '../setup/progress.mjs'
import { startPostgres } from '../stack/postgres.ts'
import { signalled } from '../stack/signals.ts'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
  success: boolean
}

/** Runs one project of vitest.config.ts in a process of its own. A run that dies without a report counts as one failure. */
async function runProject(name: string, title: string, env: NodeJS.ProcessEnv): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'helix-test-'))
  const report = join(folder, 'report.json')
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  say(`tests: ${title}`)
  const code = await new Promise<number>((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
    child.on('close', (status) => resolve(status ?? 1))
  })
  try {
    const told = JSON.parse(readFileSync(report, 'utf8')) as VitestReport
    const silent = code !== 0 && told.numFailedTests === 0 ? 1 : 0
    return { passed: told.numPassedTests, failed: told.numFailedTests + silent, skipped: told.numPendingTests + told.numTodoTests }
  } catch (error) {
    say(`tests: ${title}: no report (${error instanceof Error ? error.message : error})`)
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runAll(): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 }
  const add = (counts: Counts): void => {
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
  }
  const failedChecks = await runChecks()
  add({ passed: checkCount - failedChecks, failed: failedChecks, skipped: 0 })
  add(await runProject('unit', 'unit', {}))
  add(await runProject('database', 'database, on PGlite', {}))
  if (postgresFolder === null) throw new Error('no PostgreSQL was found for the second run of the database tests')
  await using postgres = await startPostgres(postgresFolder)
  add(await runProject('database', 'database, on PostgreSQL', { TEST_DATABASE_URL: postgres.url }))
  add(await runProject('server', 'control plane as a process', {}))
  add(await runProject('temporal', 'workflows on a Temporal server', {}))
  if (sandboxProblem !== null) throw new Error(`Docker tests cannot run: ${sandboxProblem}`)
  add(await runProject('docker', 'sandbox on Docker', {}))
  add(await runProject('stack', 'the whole stack, by API and by browser', {}))
  return total
}

signalled().then(() => process.exit(130))
let counts: Counts
try {
  counts = await runAll()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  counts = { passed: 0, failed: 1, skipped: 0 }
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)
