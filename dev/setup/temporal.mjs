import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheFolder } from './cache.mjs'
import { step } from './progress.mjs'
import { run, which } from './run.mjs'

/** The last version that `go install` can build; later ones hold a `replace`. See docs/adr/0002. */
const version = '1.5.1'
const cached = join(cacheFolder, `temporal-${version}`, 'temporal')

/** Temporal's own archive, for machines with the open internet. */
async function download() {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch]
  const url = `https://temporal.download/cli/archive/v${version}?platform=${process.platform}&arch=${arch}`
  const folder = join(cacheFolder, `temporal-download-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    const archive = join(folder, 'temporal.tar.gz')
    await run('curl', ['-fsSL', '--connect-timeout', '5', '--max-time', '120', '-o', archive, url])
    await run('tar', ['-xzf', archive, '-C', folder, 'temporal'])
    adopt(join(folder, 'temporal'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function adopt(binary) {
  mkdirSync(dirname(cached), { recursive: true })
  renameSync(binary, cached)
}

async function build(go) {
  const folder = join(cacheFolder, `temporal-build-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    await run(go, ['install', '-ldflags', '-s -w', `github.com/temporalio/cli/cmd/temporal@v${version}`], {
      env: { GOBIN: folder },
      timeoutMs: 1_200_000,
    })
    adopt(join(folder, 'temporal'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The Temporal CLI that carries a server: TEMPORAL_ADDRESS, PATH, cache, download, then a build. Null: an external server is used. */
export async function ensureTemporal() {
  if (process.env.TEMPORAL_ADDRESS) return null
  const found = process.env.HELIX_TEMPORAL_BIN || which('temporal')
  if (found) return found
  return step('Temporal server', async (note) => {
    if (existsSync(cached)) return cached
    const go = which('go')
    const failure = await download().then(
      () => null,
      (error) => error,
    )
    if (failure === null) return cached
    if (go === null)
      throw new Error(
        `no Temporal: install the temporal CLI (download failed: ${failure.message}), or install Go so that it can be built, or set TEMPORAL_ADDRESS`,
      )
    note('building it with Go, once (about 3 minutes on two cores)')
    await build(go)
    return cached
  })
}
