import { delimiter, dirname, join } from 'node:path'
import { hashOf, once, root } from './cache.mjs'
import { installPackages } from './debian.mjs'
import { ensureDependencies } from './dependencies.mjs'
import { ensureDocker } from './docker.mjs'
import { fail, step } from './progress.mjs'
import { run, which } from './run.mjs'
import { ensureTemporal } from './temporal.mjs'
import { ensureChromium, ensureFirefox, ensurePostgres } from './tools.mjs'

const noop = async () => {}

async function buildImage(docker) {
  if (docker.problem !== null) return docker.problem
  const { buildSessionImage } = await import('../../sandbox/image/build.mjs')
  try {
    await step('Session image', (note) => buildSessionImage({ tag: 'helix-session:dev', log: note, docker: 'docker' }))
    return null
  } catch (error) {
    return `the session image could not be built: ${error.message}`
  }
}

async function ensureBase(docker) {
  if (docker.problem !== null) return
  const { ensureBase: make } = await import('../../sandbox/image/base.mjs')
  const { ensurePrograms } = await import('../../sandbox/image/programs.mjs')
  await step('Base of the session image', async (note) => {
    if (which('mmdebstrap') === null) await installPackages(['mmdebstrap'], 'mmdebstrap').catch((error) => note(error.message))
    const input = { docker: 'docker', log: note }
    await Promise.all([make(input), ensurePrograms(input)])
  })
}

function buildWeb(node) {
  return step('Web pages', () =>
    once(
      'node_modules/.cache/helix/web',
      hashOf('web/src', 'web/static', 'web/vite.config.ts', 'web/package.json', 'contract/src', 'package-lock.json'),
      ['web/build/handler.js'],
      async () => {
        const env = { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
        await run(node, [join(root, 'node_modules/vite/bin/vite.js'), 'build'], { cwd: join(root, 'web'), env })
      },
    ),
  )
}

function buildBundle(node) {
  const out = 'workers/dist/workflows.js'
  return step('Workflow bundle', () =>
    once(
      'node_modules/.cache/helix/bundle',
      hashOf('workflows/src', 'workers/src/bundle.ts', 'contract/src', 'package-lock.json'),
      [out],
      () => run(node, ['--disable-warning=ExperimentalWarning', 'workers/src/bundle.ts', out], { cwd: root }),
    ),
  )
}

/**
 * Brings the machine to where the command can run. `needs`: any of docker, image, temporal, web, bundle, postgres, chromium, firefox. What does not
 * depend on each other goes on side by side. Returns the Node to use, the environment for it, and what ends an engine started here.
 */
export async function prepare(needs) {
  const need = (name) => needs.includes(name)
  const docker = need('docker') || need('image') ? ensureDocker() : Promise.resolve({ problem: null, dispose: noop })
  try {
    const base = need('image') ? docker.then(ensureBase) : null
    base?.catch(noop)
    const temporal = need('temporal') ? ensureTemporal() : null
    temporal?.catch(noop)
    const node = await ensureDependencies()
    const [engine, postgres, chromium, firefox] = await Promise.all([
      docker,
      need('postgres') ? ensurePostgres() : null,
      need('chromium') ? ensureChromium() : null,
      need('firefox') ? ensureFirefox() : null,
    ])
    if (need('web')) await buildWeb(node)
    if (need('bundle')) await buildBundle(node)
    await base?.catch(noop)
    const imageProblem = need('image') ? await buildImage(engine) : null
    const temporalBinary = await temporal
    const environment = {
      PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
      ...(temporalBinary ? { HELIX_TEMPORAL_BIN: temporalBinary } : {}),
      ...(chromium ? { HELIX_CHROMIUM: chromium } : {}),
      ...(firefox ? { HELIX_FIREFOX: firefox } : {}),
      ...(postgres ? { HELIX_POSTGRES_BIN: postgres } : {}),
      ...(imageProblem ? { HELIX_SANDBOX_PROBLEM: imageProblem } : {}),
    }
    return { node, environment, dispose: engine.dispose }
  } catch (error) {
    await (await docker).dispose()
    return fail(error.message)
  }
}
