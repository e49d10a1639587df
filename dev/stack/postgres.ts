import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgresFolder } from '../config.ts'
import { freePort } from './ports.ts'

/** PostgreSQL refuses to run as root: its files and processes belong to Debian's user `postgres` then. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout))
  if (!uid || !gid) throw new Error('user postgres does not exist: install the postgresql package')
  return { uid, gid }
}

export type Postgres = { url: string } & AsyncDisposable

/**
 * A throw-away PostgreSQL on a free loopback port; `binaries` is the folder with initdb and postgres. Tests do not wait for the disk; `durable`
 * does, as an installation does.
 */
export async function startPostgres(binaries: string, { durable = false } = {}): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'helix-pg-'))
  const user = unprivileged()
  if (user !== null) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const options = { ...(user ?? {}), cwd: folder }
  const made = spawnSync(
    join(binaries, 'initdb'),
    ['-D', join(folder, 'data'), '-U', 'helix', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    options,
  )
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const port = await freePort()
  const fsync = `fsync=${durable ? 'on' : 'off'}`
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, fsync, 'max_connections=200']
  const server = spawn(join(binaries, 'postgres'), ['-D', join(folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])], {
    ...options,
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const deadline = Date.now() + 30_000
  while (spawnSync(join(binaries, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'helix']).status !== 0) {
    if (Date.now() > deadline || server.exitCode !== null) throw new Error('PostgreSQL does not start')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const stop = async (): Promise<void> => {
    server.kill('SIGINT')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  return { url: `postgresql://helix@127.0.0.1:${port}/postgres`, [Symbol.asyncDispose]: stop }
}

/** An empty database for a benchmark: of the server at TEST_DATABASE_URL where there is one, else of a cluster of its own. */
export async function openPostgres(): Promise<Postgres> {
  const given = process.env.TEST_DATABASE_URL
  if (given === undefined || given === '') {
    if (postgresFolder === null) throw new Error('PostgreSQL was not found: set TEST_DATABASE_URL, or HELIX_POSTGRES_BIN to its programs')
    return startPostgres(postgresFolder, { durable: true })
  }
  const name = `bench_${randomBytes(6).toString('hex')}`
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: given })
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  await run(`create database ${name}`)
  const url = new URL(given)
  url.pathname = `/${name}`
  return { url: url.href, [Symbol.asyncDispose]: () => run(`drop database ${name} with (force)`) }
}
