import { spawn } from 'node:child_process'
import { access, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import type { PackDefinition } from './catalogue.ts'

/** Units: milliseconds. A pack is up to half a gigabyte. */
const deadlineMs = 900_000

/** Where packs come from. */
export interface PackSource {
  /** Puts the package and all it needs into an empty folder, for containers of this architecture (as Node names it). */
  install(pack: PackDefinition, architecture: string, folder: string): Promise<void>
}

/** npm as it stands beside this process's Node, else as the PATH has it. */
export class NpmSource implements PackSource {
  private readonly env: NodeJS.ProcessEnv

  constructor(env: NodeJS.ProcessEnv) {
    this.env = env
  }

  async install({ name, version }: PackDefinition, architecture: string, folder: string): Promise<void> {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }))
    const npm = await findNpm(this.env.PATH ?? '')
    // Scripts of packages would run on the host with its rights.
    const options = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']
    const target = ['--os=linux', `--cpu=${architecture}`, '--libc=glibc']
    await run(npm, ['install', ...options, ...target, `${name}@${version}`], folder, this.env)
  }
}

async function findNpm(path: string): Promise<string[]> {
  const bin = dirname(process.execPath)
  const script = join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  if (await exists(script)) return [process.execPath, script]
  for (const folder of [bin, ...path.split(delimiter)]) {
    if (folder !== '' && (await exists(join(folder, 'npm')))) return [join(folder, 'npm')]
  }
  throw new Error('npm is neither beside Node nor on the PATH: install it, agents come as npm packages')
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

function run([program = '', ...first]: string[], args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], timeout: deadlineMs })
    let said = ''
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (chunk: string) => {
      said = (said + chunk).slice(-2000)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else
        reject(
          new Error(
            `npm ${signal === null ? `ended with code ${code}` : `was ended by ${signal}`}: ${said.trim().split('\n').slice(-3).join(' ')}`,
          ),
        )
    })
  })
}
