import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hashOf, once, root } from './cache.mjs'
import { step } from './progress.mjs'
import { run, which } from './run.mjs'

/** The newest libraries need it; Debian 12 brings 18 or 20. */
const wanted = [22, 19]

function newEnough(version) {
  const [major, minor] = version.replace('v', '').split('.').map(Number)
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1])
}

/** Installs what the lockfile names when it is not there yet, and returns the path of the Node that runs Helix. */
export async function ensureDependencies() {
  await step('Dependencies', () =>
    once('node_modules/.helix-lockfile', hashOf('package-lock.json'), ['node_modules/.package-lock.json'], () =>
      run(which('npm') ?? 'npm', ['ci', '--no-audit', '--no-fund'], { cwd: root }),
    ),
  )
  if (newEnough(process.version)) return process.execPath
  const os = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${os}-${process.arch}`
  const binary = join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(binary)) return binary
  throw new Error(
    `Node ${process.version} is older than ${wanted.join('.')} and the package ${name} is not installed: install Node 24 or run npm ci with optional dependencies`,
  )
}
