import { spawn } from 'node:child_process'
import { root } from './config.ts'

interface Check {
  name: string
  args: string[]
  cwd?: string
}

/** What must hold of the sources before anything runs. Each is one program of node_modules. */
const checks: Check[] = [
  { name: 'format and lint', args: ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.'] },
  {
    name: 'rooms and cycles',
    args: [
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--config',
      '.dependency-cruiser.mjs',
      'contract',
      'workflows',
      'workers',
      'web',
      'sandbox',
      'migrations',
      'dev',
    ],
  },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-b'] },
  { name: 'page types, prepared', args: ['../node_modules/@sveltejs/kit/svelte-kit.js', 'sync'], cwd: 'web' },
  { name: 'page types', args: ['../node_modules/svelte-check/bin/svelte-check', '--threshold', 'error', '--output', 'human'], cwd: 'web' },
]

function runCheck(check: Check): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, check.args, { cwd: `${root}/${check.cwd ?? ''}`, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const take = (chunk: Buffer): void => {
      output += chunk
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Runs every check and prints one line each, with the whole output of those that fail. Answers with how many failed. */
export async function runChecks(): Promise<number> {
  let failed = 0
  for (const check of checks) {
    const start = Date.now()
    const { code, output } = await runCheck(check)
    if (code !== 0) failed += 1
    process.stdout.write(`${code === 0 ? 'ok     ' : 'FAILED '} ${check.name} (${((Date.now() - start) / 1000).toFixed(1)} s)\n`)
    if (code !== 0) process.stdout.write(`${output.trim()}\n`)
  }
  return failed
}

export const checkCount = checks.length
