import { createHash } from 'node:crypto'
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBase, labelOf } from './base.mjs'
import { findNode, findNpm } from './node.mjs'
import { findPlugins } from './plugins.mjs'
import { ensurePrograms, hashFolder } from './programs.mjs'
import { run } from './run.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const label = 'helix.image'
const desktopFolder = join(here, 'desktop')

/**
 * Builds the session image, or finds that the one there is already made of the same things. `docker` is the command of the Docker CLI, which
 * takes its host from DOCKER_HOST; `log` gets one line per step.
 */
export async function buildSessionImage({ tag = 'helix-session:dev', log = () => {}, docker = 'docker' } = {}) {
  // Images of another version stand on others of their own.
  const version = tag.slice(tag.lastIndexOf(':') + 1)
  const [programs, base] = await Promise.all([ensurePrograms({ version, docker, log }), ensureBase({ version, docker, log })])
  const supervisor = await bundleSupervisor()
  const node = await findNode({ docker })
  const npm = await findNpm()
  // Without an engine inside there is nothing for them to speak to.
  const plugins = base.nests ? await findPlugins({ docker, log }) : []
  const dockerfile = await readFile(join(here, 'Dockerfile'))
  const kit = await readFile(join(here, 'make-kit.mjs'))
  const recipe = createHash('sha256')
    .update(base.recipe)
    .update(programs.recipe)
    .update(dockerfile)
    .update(node.version)
    .update(npm.version)
    .update(supervisor)
    .update(kit)
  for (const { name, version } of plugins) recipe.update(`${name} ${version}`)
  await hashFolder(recipe, desktopFolder)
  const digest = recipe.digest('hex').slice(0, 20)
  if (!base.made && (await labelOf(docker, tag, label)) === digest) return { tag, built: false }
  log(`building ${tag} with Node ${node.version} and npm ${npm.version}`)
  const scratch = await mkdtemp(join(tmpdir(), 'helix-image-'))
  try {
    const context = join(scratch, 'context')
    await cp(await npm.obtain(scratch), join(context, 'npm'), { recursive: true, dereference: true })
    await copyFile(await node.obtain(scratch), join(context, 'node'))
    await chmod(join(context, 'node'), 0o755)
    await mkdir(join(context, 'plugins'))
    for (const { name, path } of plugins) await copyFile(path, join(context, 'plugins', name))
    await cp(desktopFolder, join(context, 'desktop'), { recursive: true })
    await writeFile(join(context, 'supervisor.mjs'), supervisor)
    await writeFile(join(context, 'make-kit.mjs'), kit)
    await writeFile(join(context, 'Dockerfile'), dockerfile)
    await dockerBuild({ docker, context, tag, digest, base: base.tag, programs: programs.tag })
    // The image that had the tag before is wanted by nobody; one that a container still uses stays.
    await run(docker, ['image', 'prune', '--force', '--filter', `label=${label}`], { timeoutMs: 120_000 })
    return { tag, built: true }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** The supervisor as one file. esbuild’s native binary is called, so that this script needs no newer Node than it runs on. */
async function bundleSupervisor() {
  const root = join(here, '..', '..')
  const args = [
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--target=node24',
    '--minify-syntax',
    '--minify-whitespace',
    '--legal-comments=none',
    '--log-level=error',
  ]
  // ws asks for these two native helpers when they are installed; without them it uses its own JavaScript.
  args.push('--external:bufferutil', '--external:utf-8-validate')
  // ws is CommonJS and requires Node’s modules; an ES module has no require of its own.
  args.push(`--banner:js=import { createRequire as helixRequire } from 'node:module'; const require = helixRequire(import.meta.url);`)
  const esbuild = join(root, 'node_modules', '@esbuild', `${process.platform}-${process.arch}`, 'bin', 'esbuild')
  const bundle = await run(esbuild, [join(here, '..', 'session', 'main.ts'), ...args], { cwd: root, timeoutMs: 60_000 })
  return Buffer.from(bundle)
}

async function dockerBuild({ docker, context, tag, digest, base, programs }) {
  const args = [
    'build',
    '--quiet',
    '--tag',
    tag,
    '--label',
    `${label}=${digest}`,
    '--build-arg',
    `BASE=${base}`,
    '--build-arg',
    `PROGRAMS=${programs}`,
    context,
  ]
  // The classic builder is there on every engine; newer CLIs want a plugin for the other.
  await run('env', ['DOCKER_BUILDKIT=0', docker, ...args], { timeoutMs: 600_000 })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = Date.now()
  const log = (line) => console.log(line)
  const [, , name] = process.argv
  const { tag, built } = await buildSessionImage({ log, ...(name !== undefined && { tag: name }) })
  console.log(`${tag} ${built ? 'built' : 'is current'} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}
