import { access, mkdir, symlink, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'
import type { AgentUser } from './user.ts'

const root: AgentUser = { ids: null, home: '/root', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' } }
const deadlineMs = 5000
const tablesFolder = '/run/helix/tables'

/**
 * Lets inner containers out under the session's own address where the inner engine cannot make its own rules: gVisor's network knows the old tables
 * only, and of them no masquerading, hence the address by name. Asked twice, it leaves one rule of each kind.
 */
export async function translateAddresses(range: string): Promise<void> {
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1')
  const own = ownAddress()
  if (own === null) return
  await nat('-F', 'POSTROUTING')
  for (const protocol of ['tcp', 'udp']) {
    await nat('-A', 'POSTROUTING', '-s', range, '-o', own.name, '-p', protocol, '-j', 'SNAT', '--to-source', own.address)
  }
}

/**
 * A folder in which `iptables` is the one for the old tables: with it an engine that keeps no rules of its own still leads the names of services, in the
 * networks of its containers, to its resolver. The usual one speaks to the new tables.
 */
export async function oldTables(): Promise<string> {
  await mkdir(tablesFolder, { recursive: true })
  for (const name of ['iptables', 'ip6tables']) await leadTo(`${name}-legacy`, join(tablesFolder, name))
  return tablesFolder
}

async function leadTo(program: string, link: string): Promise<void> {
  for (const folder of root.env.PATH?.split(':') ?? []) {
    const there = await access(join(folder, program)).then(
      () => true,
      () => false,
    )
    if (!there) continue
    return symlink(join(folder, program), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function nat(...args: string[]): Promise<void> {
  const { code, stderr } = await run(root, 'iptables-legacy', ['-t', 'nat', ...args], { cwd: '/', timeoutMs: deadlineMs })
  if (code !== 0) throw new Error(`iptables-legacy ${args.join(' ')}: ${stderr.trim()}`)
}

/** The interface that leads out of the session; null where it has no network. */
function ownAddress(): { name: string; address: string } | null {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const own = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal)
    if (own !== undefined && name.startsWith('eth')) return { name, address: own.address }
  }
  return null
}

/** Names are asked here instead of at the engine's own resolver, whose address gVisor does not lead out. */
export async function useNameservers(nameservers: readonly string[]): Promise<void> {
  await writeFile('/etc/resolv.conf', nameservers.map((address) => `nameserver ${address}\n`).join(''))
}
