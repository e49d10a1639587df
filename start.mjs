#!/usr/bin/env node
// Every `npm run` of this repository begins here: plain JavaScript for Node >= 18 and no dependencies, so that a bare machine can run it.
import { spawn } from 'node:child_process'
import { prepare } from './dev/setup/prepare.mjs'
import { fail } from './dev/setup/progress.mjs'

// What benchmarks need that is not what most of them need.
const benches = {
  board: { needs: ['web', 'postgres', 'chromium'], script: 'dev/commands/bench.ts' },
  events: { needs: ['web', 'postgres'], script: 'dev/commands/bench.ts' },
  placement: { needs: ['postgres'], script: 'dev/commands/bench.ts' },
  stream: { needs: ['docker', 'temporal', 'image', 'web', 'bundle', 'chromium'], script: 'dev/commands/bench.ts' },
}

const commands = {
  start: { needs: ['docker', 'temporal', 'image', 'web', 'bundle'], script: 'dev/commands/start.ts' },
  demo: { needs: ['docker', 'temporal', 'image', 'web', 'bundle'], script: 'dev/commands/demo.ts' },
  test: { needs: ['docker', 'temporal', 'image', 'web', 'bundle', 'postgres', 'chromium', 'firefox'], script: 'dev/commands/test.ts' },
  bench: { needs: ['docker', 'temporal', 'image', 'web', 'bundle'], script: 'dev/commands/bench.ts' },
  proof: { needs: ['docker', 'temporal', 'image', 'web', 'bundle'], script: 'dev/commands/proof.ts' },
  pictures: { needs: ['docker', 'temporal', 'image', 'web', 'bundle', 'chromium'], script: 'dev/commands/pictures.ts' },
  check: { needs: [], script: 'dev/commands/check.ts' },
  build: { needs: ['image', 'web', 'bundle'], script: null },
}

const [name = 'start', ...rest] = process.argv.slice(2)
const proofs = {
  'stream-soak': { needs: benches.stream.needs, script: 'dev/commands/proof.ts' },
}

const command = (name === 'bench' && benches[rest[0]]) || (name === 'proof' && proofs[rest[0]]) || commands[name]
if (command === undefined) fail(`unknown command "${name}": one of ${Object.keys(commands).join(', ')}`)

const { node, environment, dispose } = await prepare(command.needs)
if (command.script === null) {
  await dispose()
  process.exit(0)
}
// `node` is run directly: a SIGTERM to nested npm processes orphans their children.
const child = spawn(node, ['--disable-warning=ExperimentalWarning', command.script, ...rest], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
})
// Ctrl-C reaches the child by the terminal; a SIGTERM reaches only this process and is passed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
process.on('SIGHUP', () => child.kill('SIGTERM'))
child.on('exit', async (code, signal) => {
  await dispose()
  process.exit(signal === null ? (code ?? 1) : 1)
})
