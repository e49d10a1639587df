import { existsSync } from 'node:fs'
import { run, which } from './run.mjs'

let updated
let queue = Promise.resolve()

export const isRoot = process.getuid?.() === 0
export const isDebian = existsSync('/etc/debian_version') && which('apt-get') !== null

/** Installs Debian packages, one call at a time because apt holds a lock. Throws with the way out where that is not possible. */
export function installPackages(names, purpose) {
  const work = async () => {
    if (!isDebian || !isRoot) throw new Error(`${purpose} is missing: install ${names.join(' ')} with your system's package manager`)
    const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0']
    updated ??= run('apt-get', [...options, 'update', '-qq'])
    await updated
    await run('apt-get', [...options, 'install', '-y', '-qq', '--no-install-recommends', ...names], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  const result = queue.then(work)
  queue = result.catch(() => undefined)
  return result
}
