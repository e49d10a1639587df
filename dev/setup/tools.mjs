import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installPackages } from './debian.mjs'
import { step } from './progress.mjs'
import { which } from './run.mjs'

/** Debian keeps the server's programs off the PATH. */
function findPostgres() {
  if (process.env.HELIX_POSTGRES_BIN) return process.env.HELIX_POSTGRES_BIN
  const folders = ['17', '16', '15', '14'].map((version) => `/usr/lib/postgresql/${version}/bin`)
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')))
  if (found !== undefined) return found
  const initdb = which('initdb')
  return initdb === null ? null : dirname(initdb)
}

/** The folder with initdb and postgres: tests run on PGlite and on PostgreSQL. */
export function ensurePostgres() {
  return step('PostgreSQL for tests', async () => {
    if (findPostgres() === null) await installPackages(['postgresql'], 'PostgreSQL')
    return findPostgres()
  })
}

function findChromium() {
  return process.env.HELIX_CHROMIUM ?? which('chromium') ?? which('google-chrome')
}

/** The browser of the browser tests. */
export function ensureChromium() {
  return step('Chromium for tests', async () => {
    if (findChromium() === null) await installPackages(['chromium'], 'Chromium')
    return findChromium()
  })
}

function findFirefox() {
  return process.env.HELIX_FIREFOX ?? which('firefox-esr')
}

/** The other browser that desktops are seen in. Null: it cannot be had here, and its tests are left out and counted. */
export function ensureFirefox() {
  return step('Firefox for tests', async (note) => {
    if (findFirefox() === null) await installPackages(['firefox-esr'], 'Firefox').catch((error) => note(error.message))
    return findFirefox()
  })
}
