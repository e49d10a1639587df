import { appendFile, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { lacksOf, leastGit, sentencesOf, type Wants } from './sentences.ts'
import { ownImage, type Surroundings } from './surroundings.ts'
import { isOlder, type Survey, surveyImage } from './survey.ts'

/** Looks at an image that is not ours and puts in from the kit what a session cannot do without. What the image has is left as it is. */
export async function settleIn(config: Config, wants: Wants): Promise<Surroundings> {
  const { kit } = config
  if (kit === null) return ownImage
  const survey = await surveyImage(config.path, config.agentUid)
  if (survey.shell === null) await linkTo(join(kit, 'shell', 'sh'), '/bin/sh')
  // Programs name the loader by this path, agents do too.
  if (survey.glibc === 'other') await linkTo(join(kit, 'ld.so'), loaderPath())
  // In front of the image's own.
  if (survey.git !== null && isOlder(survey.git, leastGit)) await linkTo(join(kit, 'bin', 'git'), '/usr/local/bin/git')
  if (survey.userName === null) await addUser(config)
  return {
    // A login shell would forget the image's PATH.
    shell: [survey.shell ?? '/bin/sh'],
    userName: survey.userName ?? 'agent',
    dockerd: survey.dockerd,
    env: certificatesOf(survey, config, join(kit, 'ca.pem')),
    sentences: sentencesOf(survey, wants),
    lacks: lacksOf(survey, wants),
  }
}

const loaderPath = (): string => (process.arch === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2')

async function linkTo(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    // A container that is started again has it.
    if (error.code !== 'EEXIST') throw error
  })
}

/** Programs like ssh refuse a user without a name. */
async function addUser({ agentUid: uid, agentHome }: Config): Promise<void> {
  await mkdir('/etc', { recursive: true })
  await append('/etc/passwd', `agent:x:${uid}:${uid}::${agentHome}:/bin/sh`)
  const groups = await readFile('/etc/group', 'utf8').catch(() => '')
  if (!groups.split('\n').some((line) => line.split(':')[2] === String(uid))) await append('/etc/group', `agent:x:${uid}:`)
}

async function append(file: string, line: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '')
  await appendFile(file, `${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`)
}

function certificatesOf({ certificates }: Survey, { network }: Config, path: string): Record<string, string> {
  // Where the host has authorities of its own, it said so.
  if (certificates || network.SSL_CERT_FILE !== undefined) return {}
  return { SSL_CERT_FILE: path, GIT_SSL_CAINFO: path, CURL_CA_BUNDLE: path }
}
