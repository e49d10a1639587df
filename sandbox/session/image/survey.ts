import { access, constants, readFile, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run } from '../run.ts'
import type { AgentUser } from '../user.ts'

/** What an image that is not ours has of what a session uses. */
export interface Survey {
  /** Path of the best shell; null: none. */
  shell: string | null
  /** Its version; null: none. */
  git: string | null
  dockerd: boolean
  certificates: boolean
  /** Version of its C library; `other`: musl or none. */
  glibc: string
  /** Name of the user with the agent's number; null: nobody has it. */
  userName: string | null
}

const loaders = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1']
const bundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem', '/etc/ssl/ca-bundle.pem']
const deadlineMs = 5000
const supervisor: AgentUser = { ids: null, home: '/', env: { LANG: 'C' } }

/** `path`: the image's own PATH. */
export async function surveyImage(path: string, uid: number): Promise<Survey> {
  const [bash, ash, sh, git, dockerd] = await Promise.all(['bash', 'ash', 'sh', 'git', 'dockerd'].map((name) => findProgram(name, path)))
  return {
    shell: bash ?? ash ?? sh ?? null,
    git: git == null ? null : (/\d+\.\d+(\.\d+)?/.exec(await said(git, '--version'))?.[0] ?? null),
    dockerd: dockerd != null,
    certificates: (await firstThere(bundles)) !== null,
    glibc: await glibcVersion(),
    userName: await nameOf(uid),
  }
}

async function findProgram(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue
    const file = join(folder, name)
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs && (await stat(file)).isFile()) return file
  }
  return null
}

async function said(command: string, ...args: string[]): Promise<string> {
  const ran = await run(supervisor, command, args, { cwd: '/', timeoutMs: deadlineMs }).catch(() => null)
  return ran === null ? '' : ran.stdout + ran.stderr
}

async function firstThere(files: readonly string[]): Promise<string | null> {
  for (const file of files) if ((await stat(file).catch(() => null)) !== null) return file
  return null
}

/** The C library's loader tells its version. */
async function glibcVersion(): Promise<string> {
  const loader = await firstThere(loaders)
  return loader === null ? 'other' : (/version (\d+\.\d+)/.exec(await said(loader, '--version'))?.[1] ?? 'other')
}

async function nameOf(uid: number): Promise<string | null> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const entry = users.split('\n').find((line) => line.split(':')[2] === String(uid))
  return entry?.split(':')[0] ?? null
}

/** Lower than the least that is wanted, both as `2.28`. */
export function isOlder(version: string, least: string): boolean {
  const [have = [], want = []] = [version, least].map((text) => text.split('.').map(Number))
  return (have[0] ?? 0) !== (want[0] ?? 0) ? (have[0] ?? 0) < (want[0] ?? 0) : (have[1] ?? 0) < (want[1] ?? 0)
}
