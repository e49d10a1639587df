import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { debianMirrors } from './debian.mjs'
import { found, run } from './run.mjs'

/**
 * Plugins of the Docker CLI that Debian 12 lacks: `docker compose` and `docker buildx`. They come as Debian 13's packages, whose programs run on Debian 12
 * too; their hashes are those of its signed index. `module`: what Go builds them from.
 */
const plugins = [
  {
    name: 'docker-compose',
    version: '2.26.1',
    package: 'docker-compose_2.26.1-4',
    sha256: {
      amd64: '47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea',
      arm64: 'bbafaa666f3e7fa00ad36f2a8bab889f1c791ca8743d674e7267a3d07203869c',
    },
    release: (version, arch) =>
      `https://github.com/docker/compose/releases/download/v${version}/docker-compose-linux-${{ amd64: 'x86_64', arm64: 'aarch64' }[arch]}`,
    module: 'github.com/docker/compose/v2/cmd',
  },
  {
    name: 'docker-buildx',
    version: '0.13.1',
    package: 'docker-buildx_0.13.1+ds1-3',
    sha256: {
      amd64: 'fcf8c48204d1603c8f209451d7827eb91bf30759578baf7704e9e1a87e5f1d7f',
      arm64: '6cf361ab892b55753b728adcbd1a99f0616711df853dba64a5297a4a676d96b0',
    },
    release: (version, arch) => `https://github.com/docker/buildx/releases/download/v${version}/buildx-v${version}.linux-${arch}`,
    module: 'github.com/docker/buildx/cmd/buildx',
  },
]

/** Kept for every clone of this user, like the other things that are dear to get. */
const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'helix')

/**
 * The plugins as files, for the architecture of the Docker engine: from the cache, Debian's mirror, their own releases, or built with Go. One that cannot be
 * had is left out and said, with the reason: an image without it still serves.
 */
export async function findPlugins({ docker, log }) {
  const arch = (await run(docker, ['version', '--format', '{{.Server.Arch}}'], { timeoutMs: 30_000 })).trim()
  const all = await Promise.all(
    plugins.map(async (plugin) => {
      try {
        return { name: plugin.name, version: plugin.version, path: await obtain(plugin, arch, log) }
      } catch (error) {
        log(`sessions go without "${plugin.name.replace('-', ' ')}": ${error.message}`)
        return null
      }
    }),
  )
  return all.filter((one) => one !== null)
}

async function obtain(plugin, arch, log) {
  const folder = join(cacheFolder, `${plugin.name}-${plugin.version}-${arch}`)
  const cached = join(folder, plugin.name)
  if (existsSync(cached)) return cached
  await mkdir(folder, { recursive: true })
  const scratch = await mkdtemp(join(folder, 'work-'))
  try {
    const program = await firstThatWorks([fromDebian, fromRelease, fromSource], { plugin, arch, scratch, log })
    await chmod(program, 0o755)
    // Renamed into place: who dies half way, or does the same at once, leaves nothing that looks whole.
    await rename(program, cached)
    return cached
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function firstThatWorks(ways, input) {
  const reasons = []
  for (const way of ways) {
    try {
      return await way(input)
    } catch (error) {
      reasons.push(error.message.split('\n').at(-1))
    }
  }
  throw new Error(reasons.join('; '))
}

async function download(url, file, seconds) {
  await run('curl', ['-fsSL', '--connect-timeout', '5', '--max-time', String(seconds), '-o', file, url])
}

async function fromDebian({ plugin, arch, scratch }) {
  const wanted = plugin.sha256[arch]
  if (wanted === undefined) throw new Error(`Debian's package is not pinned for ${arch}`)
  const file = join(scratch, 'package.deb')
  const path = `pool/main/d/${plugin.name}/${plugin.package}_${arch}.deb`
  let failure = new Error('there is no Debian mirror')
  for (const mirror of await debianMirrors()) {
    try {
      await download(`${mirror}/${path}`, file, 120)
      const got = createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
      if (got !== wanted) throw new Error(`${mirror}/${path} has the hash ${got} instead of ${wanted}`)
      return await unpack(file, plugin.name, scratch)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** A Debian package is an `ar` archive with a tar inside. */
async function unpack(file, name, scratch) {
  const inside = `./usr/libexec/docker/cli-plugins/${name}`
  if (await found('dpkg-deb'))
    await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -xf - -C "$2" "$3"', 'unpack', file, scratch, inside])
  else await run('sh', ['-c', 'ar p "$1" data.tar.xz | tar -xJf - -C "$2" "$3"', 'unpack', file, scratch, inside])
  return join(scratch, inside)
}

async function fromRelease({ plugin, arch, scratch }) {
  const file = join(scratch, 'release')
  await download(plugin.release(plugin.version, arch), file, 120)
  return file
}

async function fromSource({ plugin, arch, scratch, log }) {
  if (!(await found('go'))) throw new Error('Go, which could build it, is not installed')
  log(`building ${plugin.name} with Go, once (about two minutes on two cores)`)
  const options = { cwd: scratch, timeoutMs: 1_800_000 }
  const go = (...args) => run('env', ['CGO_ENABLED=0', `GOARCH=${arch}`, 'GOOS=linux', 'go', ...args], options)
  await go('mod', 'init', 'plugin')
  await go('get', `${plugin.module}@v${plugin.version}`)
  await go('build', '-trimpath', '-ldflags', '-s -w', '-o', 'program', plugin.module)
  return join(scratch, 'program')
}
