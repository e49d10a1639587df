import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { Front } from '@helix/web/server/gateway/testing/front.ts'
import { candidateOf, passes, type Target, targets } from '@helix/web/server/gateway/testing/targets.ts'
import { Vendors } from '@helix/web/server/gateway/testing/vendors.ts'
import { say } from '../setup/progress.mjs'
import { table } from '../stack/story.ts'
import { type Agent, agents } from './agents/agents.ts'
import { content, fileName, lastWords, model } from './agents/script.ts'

const run = promisify(execFile)
/** Units: milliseconds. */
const deadlineMs = 180_000
const prompt = `Write the file ${fileName}, then say that you have.`

/** Each agent’s package in a folder of its own, once for all runs. */
async function installed({ name, package: wanted }: Agent): Promise<string> {
  const folder = join(homedir(), '.cache/helix/agents', wanted.replaceAll('/', '_'))
  const modules = join(folder, 'node_modules')
  if (existsSync(join(modules, wanted.slice(0, wanted.lastIndexOf('@'))))) return modules
  say(`installing ${wanted} for ${name}`)
  mkdirSync(folder, { recursive: true })
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', wanted], { timeout: 600_000, maxBuffer: 1 << 24 })
  return modules
}

/** What is wrong; null when the agent wrote the file by a call of its tool and heard the last words. */
async function work(agent: Agent, target: Target, vendors: Vendors, front: Front): Promise<string | null> {
  const modules = await installed(agent)
  const folder = mkdtempSync(join(tmpdir(), 'helix-agent-'))
  const home = join(folder, 'home')
  const cwd = join(folder, 'work')
  for (const made of [home, cwd]) mkdirSync(made)
  front.candidate = candidateOf(target, vendors.url)
  vendors.script = model
  vendors.problems.length = 0
  try {
    const { program, args, env } = agent.command({ modules, home, url: front.url, key: front.key }, prompt)
    const { PATH = '' } = process.env
    const all = { PATH: `${join(process.execPath, '..')}:${PATH}`, HOME: home, ...env }
    const child = run(program, args, { cwd, env: all, timeout: deadlineMs, maxBuffer: 1 << 24 })
    child.child.stdin?.end()
    const { stdout, stderr } = await child.catch((error: { stdout?: string; stderr?: string }) => ({
      stdout: error.stdout ?? '',
      stderr: error.stderr ?? '',
    }))
    if (vendors.problems.length > 0) return `asked against the description: ${vendors.problems[0]}`
    if (!existsSync(join(cwd, fileName))) return `wrote no file: ${(stdout + stderr).slice(-400)}`
    if (readFileSync(join(cwd, fileName), 'utf8') !== content) return 'wrote something else'
    return stdout.includes(lastWords) ? null : `did not hear the end: ${(stdout + stderr).slice(-400)}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Real agents, each in its own dialect, with providers of every other: they write a file by a tool and end. Packages are installed on demand. */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { agents: { type: 'string' }, targets: { type: 'string' } } })
  const chosen = agents.filter(({ name }) => values.agents?.split(',').includes(name) ?? true)
  const others = targets.filter(({ name }) => values.targets?.split(',').includes(name) ?? true)
  await using vendors = await Vendors.open()
  await using front = await Front.open()
  const rows: string[][] = []
  for (const agent of chosen) {
    for (const target of others.filter((one) => !passes(one, agent.dialect))) {
      const problem = await work(agent, target, vendors, front)
      say(`${agent.name} (${agent.dialect}) with ${target.name}: ${problem ?? 'well'}`)
      rows.push([agent.name, agent.dialect, target.name, problem ?? 'well'])
    }
  }
  process.stdout.write(`${table(['agent', 'asks in', 'provider', 'result'], rows)}\n`)
  return rows.every((row) => row.at(-1) === 'well')
}
