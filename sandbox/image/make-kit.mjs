// Runs in a container of the session image, with an empty volume at /kit that will be mounted at /opt/helix of containers whose image is not ours.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const [kit, home] = ['/kit', '/opt/helix']
const { loader, triplet } = {
  x64: { loader: '/lib64/ld-linux-x86-64.so.2', triplet: 'x86_64-linux-gnu' },
  arm64: { loader: '/lib/ld-linux-aarch64.so.1', triplet: 'aarch64-linux-gnu' },
}[process.arch]

/** The same number of bytes: slashes at the end of a folder count for nothing. */
const padded = (path, length) => path.padEnd(length, '/')

/** Puts a text into a program in the place of another one, which must be there. */
function replaceIn(content, from, to, everywhere) {
  let at = content.indexOf(from)
  if (at < 0 || to.length > from.length) throw new Error(`${from} cannot be replaced by ${to}`)
  for (; at >= 0; at = everywhere ? content.indexOf(from, at + 1) : -1) content.fill(0, at, at + from.length).write(to, at)
}

/** The loader looks for libraries in the kit first and reads no cache: it finds the C library that it belongs to, whatever the image has. */
function makeLoader() {
  const content = readFileSync(loader)
  replaceIn(content, '/etc/ld.so.cache', padded(`${home}/cache`, 16), true)
  for (const folder of [`/usr/lib/${triplet}/`, `/lib/${triplet}/`])
    replaceIn(content, `\0${folder}`, `\0${padded(`${home}/lib`, folder.length)}`, true)
  writeFileSync(join(kit, 'ld.so'), content, { mode: 0o755 })
}

const isProgram = (path) => lstatSync(path).isFile() && readFileSync(path).subarray(0, 4).toString('latin1') === '\x7fELF'

/** Copies a program so that the kit's loader starts it. */
function takeProgram(from, to, replacements = []) {
  const content = readFileSync(from)
  replaceIn(content, `${loader}\0`, `${home}/ld.so\0`, false)
  for (const [text, other] of replacements) if (content.includes(text)) replaceIn(content, text, padded(other, text.length), true)
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, content, { mode: 0o755 })
}

function takeLibraries(programs) {
  mkdirSync(join(kit, 'lib'), { recursive: true })
  // Of the C library all parts: agents need others than the programs here.
  const parts = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1', 'libutil.so.1', 'libresolv.so.2', 'libanl.so.1']
  const said = execFileSync('ldd', programs, { encoding: 'utf8' })
  const found = [...said.matchAll(/=> (\/\S+)/g)].map(([, path]) => path)
  for (const path of new Set([...found, ...parts.map((name) => `/lib/${triplet}/${name}`)]))
    copyFileSync(path, join(kit, 'lib', basename(path)))
  // Agents name the loader among their libraries.
  symlinkSync(`${home}/ld.so`, join(kit, 'lib', basename(loader)))
}

function takeGit() {
  const from = '/usr/lib/git-core'
  const places = [
    [from, `${home}/git`],
    // Below /usr if it did not begin with a slash.
    ['share/git-core/templates', `${home}/git/templates`],
  ]
  const programs = []
  cpSync('/usr/share/git-core/templates', join(kit, 'git', 'templates'), { recursive: true, verbatimSymlinks: true })
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(kit, 'git', name)]
    if (lstatSync(source).isDirectory()) continue
    if (!isProgram(source)) cpSync(source, target, { verbatimSymlinks: true })
    else {
      takeProgram(source, target, places)
      programs.push(source)
    }
  }
  symlinkSync(`${home}/git/git`, join(kit, 'bin', 'git'))
  return programs
}

function takePython() {
  const python = readdirSync('/usr/bin').find((name) => /^python3\.\d+$/.test(name))
  takeProgram(`/usr/bin/${python}`, join(kit, 'python', 'bin', python))
  cpSync(`/usr/lib/${python}`, join(kit, 'python', 'lib', python), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !/\/(test|__pycache__|pydoc_data|ensurepip|idlelib|lib2to3|config-[^/]*)$/.test(path),
  })
  symlinkSync(`${home}/python/bin/${python}`, join(kit, 'bin', 'python3'))
  return `/usr/bin/${python}`
}

/** The desktop's own programs: an image that brings an X server has a desktop too. */
function takeDesktop() {
  const folder = join(home, 'desktop')
  const names = readdirSync(folder).filter((name) => name.startsWith('helix-'))
  for (const name of names) takeProgram(join(folder, name), join(kit, 'desktop', name))
  cpSync(join(folder, 'share'), join(kit, 'desktop', 'share'), { recursive: true })
  return names.map((name) => join(folder, name))
}

mkdirSync(join(kit, 'bin'), { recursive: true })
makeLoader()
takeProgram(join(home, 'node'), join(kit, 'node'))
takeProgram('/bin/dash', join(kit, 'shell', 'sh'))
const programs = [join(home, 'node'), '/bin/dash', takePython(), ...takeGit(), ...takeDesktop()]
takeLibraries(programs)
copyFileSync('/usr/bin/tini-static', join(kit, 'tini'))
copyFileSync(join(home, 'supervisor.mjs'), join(kit, 'supervisor.mjs'))
cpSync(join(home, 'npm'), join(kit, 'npm'), { recursive: true })
symlinkSync(`${home}/node`, join(kit, 'bin', 'node'))
for (const name of ['npm', 'npx']) symlinkSync(`${home}/npm/bin/${name}-cli.js`, join(kit, 'bin', name))
copyFileSync('/etc/ssl/certs/ca-certificates.crt', join(kit, 'ca.pem'))
chmodSync(kit, 0o755)
// The last of all: a kit with it is whole.
writeFileSync(join(kit, 'whole'), '')
