import { createHash } from 'node:crypto'
import { importDebian } from './debian.mjs'
import { buildPackages, desktopPackages, innerDockerPackages, packages } from './packages.mjs'
import { run } from './run.mjs'

const pulledImage = 'debian:bookworm-slim'
const label = 'helix.base'
/** Version of the images that sessions of this clone run on. */
export const usualVersion = 'dev'

/**
 * Makes sure that the image is there which the session image of a version stands on: Debian with the tools, the desktop, and an inner Docker engine
 * where this engine can give one room, which `nests` says. `docker` is the command of the Docker CLI; `log` gets one line per step.
 */
export async function ensureBase({ version = usualVersion, docker = 'docker', log = () => {} } = {}) {
  const nests = await canNest(docker)
  const wanted = [...packages, ...desktopPackages, ...(nests ? innerDockerPackages : [])]
  return { ...(await ensureDebian({ tag: `helix-session-system:${version}`, wanted, docker, log })), nests }
}

/** Likewise the image in which the session’s own programs are compiled. */
export const ensureBuilder = ({ version, docker, log }) =>
  ensureDebian({ tag: `helix-session-builder:${version}`, wanted: buildPackages, docker, log })

/** Debian with packages: from the pulled `debian:bookworm-slim`, else made from the packages alone. An image of the same recipe is kept. */
async function ensureDebian({ tag, wanted, docker, log }) {
  const recipe = createHash('sha256')
    .update(`1 ${wanted.join(' ')}`)
    .digest('hex')
    .slice(0, 20)
  if ((await labelOf(docker, tag, label)) === recipe) return { tag, recipe, made: false }
  if (!(await fromPulled({ tag, docker, log, wanted, recipe }))) {
    log(`making ${tag} from Debian packages (minutes)`)
    const id = await importDebian({ docker, log, packages: wanted, changes: [`LABEL ${label}=${recipe}`, 'ENV LANG=C.UTF-8'] })
    await run(docker, ['tag', id, tag])
  }
  return { tag, recipe, made: true }
}

/** Whether the engine has what a session's own Docker engine needs: gVisor, or user namespaces. The sandbox host probes whether it works. */
async function canNest(docker) {
  const info = await run(docker, ['info', '--format', '{{json .Runtimes}} {{json .SecurityOptions}}'], { timeoutMs: 30_000 })
  return info.includes('"runsc"') || info.includes('name=userns')
}

/** The value of an image’s label; undefined when there is no such image or label. */
export async function labelOf(docker, image, name) {
  const listed = await run(docker, ['images', '--quiet', '--no-trunc', image], { timeoutMs: 30_000 })
  if (listed.trim() === '') return undefined
  const value = await run(docker, ['image', 'inspect', '--format', `{{index .Config.Labels "${name}"}}`, image], { timeoutMs: 30_000 })
  return value.trim() === '' || value.trim() === '<no value>' ? undefined : value.trim()
}

async function fromPulled({ tag, docker, log, wanted, recipe }) {
  try {
    await run(docker, ['pull', '--quiet', pulledImage], { timeoutMs: 120_000 })
  } catch (error) {
    log(`${pulledImage} cannot be pulled (${error.message.split('\n').at(-1)})`)
    return false
  }
  const install = `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${wanted.join(' ')} && rm -rf /var/lib/apt/lists/*`
  const dockerfile = `FROM ${pulledImage}\nENV LANG=C.UTF-8\nRUN DEBIAN_FRONTEND=noninteractive sh -c '${install}'\n`
  try {
    log(`installing ${wanted.length} packages into ${pulledImage}`)
    await run(docker, ['build', '--quiet', '--label', `${label}=${recipe}`, '--tag', tag, '-'], {
      input: dockerfile,
      timeoutMs: 900_000,
    })
    return true
  } catch (error) {
    log(`packages cannot be installed into ${pulledImage}: ${error.message.split('\n').at(-1)}`)
    return false
  }
}
