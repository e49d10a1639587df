import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { found, run } from './run.mjs'

/** The release that is made when no image can be pulled on a system that is not Debian itself. */
const fallbackRelease = 'bookworm'

/**
 * A root file system made from Debian’s packages, as the sources of this system name them, and imported as a Docker image.
 * Answers with the id of the image; nothing is tagged, so a run that dies half way leaves no image that looks whole.
 */
export async function importDebian({ docker, packages, changes, log }) {
  await ensureMmdebstrap(log)
  const folder = await mkdtemp(join(tmpdir(), 'helix-base-'))
  try {
    const { release, files } = await debianSources(folder)
    const made = mmdebstrap([...(await options(packages)), release, '-', ...files])
    const imported = run(docker, ['import', ...changes.flatMap((change) => ['--change', change]), '-'], { input: made.tar })
    // Both are awaited together: a broken tar can look whole to the import.
    const [id] = await Promise.all([imported, made.ended])
    return id.trim()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Where Debian's packages are had: where this system has its own from, then where everybody does. */
export async function debianMirrors() {
  const texts = await Promise.all((await sourceFiles()).map((path) => readFile(path, 'utf8')))
  const named = [...texts.join('\n').matchAll(/^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(https?:\S+\/debian)\/?(?:\s|$)/gim)].map(
    ([, url]) => url,
  )
  return [...new Set([...named, 'http://deb.debian.org/debian'])]
}

/** Several images may be made at once. */
let installed

async function ensureMmdebstrap(log) {
  installed ??= found('mmdebstrap').then((there) => there || installMmdebstrap(log))
  await installed
}

async function installMmdebstrap(log) {
  if (!(await found('apt-get')) || process.getuid?.() !== 0) {
    throw new Error('the base image cannot be pulled and mmdebstrap is not installed: install mmdebstrap, or let Docker reach a registry')
  }
  log('installing mmdebstrap')
  await run('apt-get', ['update', '-qq'], { timeoutMs: 180_000 })
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'mmdebstrap'], { timeoutMs: 300_000 })
}

async function options(packages) {
  const restoreSources = 'rm -rf "$1"/etc/apt/sources.list.d/* && cp "$1"/usr/share/doc/apt/examples/sources.list "$1"/etc/apt/sources.list'
  return [
    '--quiet',
    '--variant=minbase',
    '--skip=check/qemu',
    `--include=${packages.join(',')}`,
    ...['man', 'locale'].map((kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`),
    '--dpkgopt=force-unsafe-io',
    '--aptopt=Acquire::Languages "none"',
    ...(await aptOptions()).map((line) => `--aptopt=${line}`),
    // The image must not carry the mirror and the proxy of the machine that made it.
    `--customize-hook=${restoreSources}`,
    '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/hostname "$1"/etc/resolv.conf',
    // Licences stay; the rest of the documentation goes.
    '--customize-hook=find "$1"/usr/share/doc -type f ! -name copyright -delete',
  ]
}

/** Proxies and the checks that a frozen mirror needs off, as this system’s apt has them. */
async function aptOptions() {
  if (!(await found('apt-config'))) return []
  const dump = await run('apt-config', ['dump'])
  return dump.split('\n').filter((line) => /^Acquire::(Check-|https?::Proxy|https?::.*::Proxy)\S* "./.test(line))
}

/** Runs it with its tar on `tar`; `ended` says whether that tar is whole. */
function mmdebstrap(args) {
  const child = spawn('mmdebstrap', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4000)
  })
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`mmdebstrap ended with code ${code}: ${said.trim()}`))))
  })
  return { tar: child.stdout, ended }
}

/** The part of this system’s apt sources that is its own Debian release; none on another system, where mmdebstrap’s default serves. */
async function debianSources(folder) {
  const release = await ownRelease()
  if (release === undefined) return { release: fallbackRelease, files: [] }
  const lines = []
  const stanzas = []
  for (const path of await sourceFiles()) {
    const text = await readFile(path, 'utf8')
    if (path.endsWith('.sources')) stanzas.push(...text.split(/\n\s*\n/).filter((stanza) => isStanzaOf(stanza, release)))
    else
      lines.push(...text.split('\n').filter((line) => new RegExp(`^deb\\s+(\\[[^\\]]*\\]\\s+)?\\S+\\s+${release}(-\\S+)?\\s`).test(line)))
  }
  const files = []
  for (const [name, text] of [
    ['system.list', lines.join('\n')],
    ['system.sources', stanzas.join('\n\n')],
  ]) {
    if (text === '') continue
    await writeFile(join(folder, name), `${text}\n`)
    files.push(join(folder, name))
  }
  return { release, files }
}

function isStanzaOf(stanza, release) {
  const field = (name) => new RegExp(`^${name}:(.*)$`, 'mi').exec(stanza)?.[1]?.trim() ?? ''
  const suites = field('Suites').split(/\s+/)
  if (field('Enabled') === 'no' || !field('Types').split(/\s+/).includes('deb')) return false
  return suites.every((suite) => suite === release || suite.startsWith(`${release}-`))
}

async function ownRelease() {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  if (!/^ID="?debian"?$/m.test(text)) return undefined
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1]
}

async function sourceFiles() {
  const folder = '/etc/apt/sources.list.d'
  const names = await readdir(folder).catch(() => [])
  const own = await readFile('/etc/apt/sources.list', 'utf8').then(
    () => ['/etc/apt/sources.list'],
    () => [],
  )
  return [...own, ...names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(folder, name))]
}
