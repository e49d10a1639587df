import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBuilder, labelOf, usualVersion } from './base.mjs'
import { run } from './run.mjs'

const capture = join(dirname(fileURLToPath(import.meta.url)), '..', 'session', 'capture')
const label = 'helix.programs'

/** Makes sure that the image is there which the desktop’s own programs are copied from. `version`: of the session image, the part of its name after the colon. */
export async function ensurePrograms({ version = usualVersion, docker = 'docker', log = () => {} } = {}) {
  const tag = `helix-session-programs:${version}`
  const builder = await ensureBuilder({ version, docker, log })
  const hash = createHash('sha256').update(builder.recipe)
  await hashFolder(hash, capture)
  const recipe = hash.digest('hex').slice(0, 20)
  if (!builder.made && (await labelOf(docker, tag, label)) === recipe) return { tag, recipe }
  log('compiling the programs of the desktop')
  const args = ['build', '--quiet', '--tag', tag, '--label', `${label}=${recipe}`, '--build-arg', `BUILDER=${builder.tag}`, capture]
  await run('env', ['DOCKER_BUILDKIT=0', docker, ...args], { timeoutMs: 600_000 })
  await run(docker, ['image', 'prune', '--force', '--filter', `label=${label}`], { timeoutMs: 120_000 })
  return { tag, recipe }
}

/** Every file with its path, in one order. */
export async function hashFolder(hash, folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  for (const file of files.sort()) hash.update(`${file.slice(folder.length)}\0`).update(await readFile(file))
}
