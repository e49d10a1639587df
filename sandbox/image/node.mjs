import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './run.mjs'

/** The npm that goes into the image when this machine’s own is not one whole folder. */
const npmVersion = '11.19.1'
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/**
 * The Node binary of the npm package `node-linux-<arch>`, for the architecture of the Docker engine. `obtain(scratch)` answers with its path;
 * it fetches the package where npm left it out, which it does on a machine of another kind.
 */
export async function findNode({ docker }) {
  const architectures = { amd64: 'x64', x86_64: 'x64', arm64: 'arm64', aarch64: 'arm64' }
  const engine = (await run(docker, ['version', '--format', '{{.Server.Arch}}'], { timeoutMs: 30_000 })).trim()
  const arch = architectures[engine]
  if (arch === undefined) throw new Error(`there is no Node package for the Docker engine's architecture ${engine}`)
  const name = `node-linux-${arch}`
  const installed = await packageAt(join(root, 'node_modules', name))
  if (installed !== undefined) return { version: installed.version, obtain: async () => join(installed.folder, 'bin', 'node') }
  const version = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).optionalDependencies[name]
  return { version, obtain: async (scratch) => join(await fetchPackage(`${name}@${version}`, scratch), 'bin', 'node') }
}

/** This machine’s npm, when it is npm as published; Debian’s is spread over the system and does not work elsewhere. */
export async function findNpm() {
  const own = await ownNpm()
  if (own !== undefined) return { version: own.version, obtain: async () => own.folder }
  return { version: npmVersion, obtain: (scratch) => fetchPackage(`npm@${npmVersion}`, scratch) }
}

async function ownNpm() {
  const path = (await run('/bin/sh', ['-c', 'command -v npm || true'])).trim()
  if (path === '') return undefined
  const found = await packageAt(join(dirname(await realpath(path)), '..'))
  if (found?.name !== 'npm') return undefined
  const modules = await readdir(join(found.folder, 'node_modules'), { withFileTypes: true }).catch(() => [])
  const whole = modules.length > 50 && modules.every((entry) => !entry.isSymbolicLink())
  return whole ? found : undefined
}

async function packageAt(folder) {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) return undefined
  const { name, version } = JSON.parse(await readFile(path, 'utf8'))
  return { name, version, folder }
}

async function fetchPackage(spec, scratch) {
  const folder = await mkdtemp(join(scratch, 'package-'))
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder, spec], { timeoutMs: 300_000, cwd: folder })
  const archive = packed.trim().split('\n').at(-1)
  await run('tar', ['-xzf', join(folder, archive), '-C', folder])
  return join(folder, 'package')
}
