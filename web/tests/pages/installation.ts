import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Call, createClient } from '@helix/contract/client'
import { createApiKey } from '@helix/contract/identity'
import { createSignInLink } from '@helix/contract/internal'
import { updateOnboarding } from '@helix/contract/onboarding'

const program = new URL('../../server/main.ts', import.meta.url).pathname
const built = new URL('../../build/handler.js', import.meta.url).pathname

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Answers with the sign-in link that the first start leaves in its data folder. */
async function firstLink(url: string, folder: string, ended: () => boolean): Promise<string> {
  const file = join(folder, 'sign-in-link')
  for (let attempt = 0; attempt < 1200 && !ended(); attempt++) {
    const up = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    )
    if (up && existsSync(file)) return readFileSync(file, 'utf8').trim()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the control plane did not come up')
}

export interface Installation extends AsyncDisposable {
  url: string
  /** A fresh one-time link. */
  link(): Promise<string>
  /** The API as the administrator, by a key. */
  call: Call
  key: string
  /** The token of workers and sandbox hosts. */
  token: string
}

/**
 * A control plane with the built pages in its own process and folder; without Temporal, so tasks stay where they are. `begun`: the first steps are
 * put away, so that signing in leads to the projects. `extra`: more of the environment.
 */
export async function openInstallation(
  folder = mkdtempSync(join(tmpdir(), 'helix-pages-')),
  { begun = true, extra = {} }: { begun?: boolean; extra?: Record<string, string> } = {},
): Promise<Installation> {
  if (!existsSync(built)) throw new Error('The pages are not built: run npm run build.')
  const [port, secret] = [await freePort(), randomBytes(32).toString('hex')]
  const env = {
    HELIX_ENCRYPTION_KEY: secret,
    HELIX_RUNNER_TOKEN: secret,
    HELIX_WORKER_TOKEN: secret,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    HELIX_ALLOW_PRIVATE_PROVIDERS: '1',
  }
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env, PORT: String(port), METRICS_PORT: '0', HELIX_DATA_DIR: folder, LOG_LEVEL: 'error', ...extra },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://localhost:${port}`
  const link = async (): Promise<string> => (await createClient({ baseUrl: url, token: secret })(createSignInLink, {})).url
  const dispose = async (): Promise<void> => {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.kill()) await gone
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true })
  }
  const first = await firstLink(url, folder, () => child.exitCode !== null).catch(async (error) => {
    await dispose()
    throw error
  })
  const administrator = createClient({ baseUrl: url, fetch: await signedIn(first) })
  const { secret: key } = await administrator(createApiKey, { body: { name: 'test' } })
  const call = createClient({ baseUrl: url, token: key })
  if (begun) await call(updateOnboarding, { body: { dismissed: true } })
  return { url, link, call, key, token: secret, [Symbol.asyncDispose]: dispose }
}

/** Signs in through the page's own form, as a browser without script does. */
async function signedIn(link: string): Promise<typeof fetch> {
  const { origin, searchParams } = new URL(link)
  const body = new URLSearchParams({ token: searchParams.get('token') ?? '' })
  const response = await fetch(`${origin}/sign-in`, { method: 'POST', body, headers: { origin }, redirect: 'manual' })
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
  if (cookie === undefined) throw new Error(`signing in answered ${response.status} without a cookie`)
  return (input, init) => fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), cookie, origin } })
}
