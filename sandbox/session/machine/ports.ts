import { readdir, readFile, readlink } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'

const listening = '0A'

/** `/proc/net/tcp`: what listens, by port, with the inodes of its sockets. */
export function listenersIn(table: string): Map<number, string[]> {
  const found = new Map<number, string[]>()
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    if (fields[3] !== listening) continue
    const port = Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16)
    if (Number.isInteger(port)) found.set(port, [...(found.get(port) ?? []), fields[9] ?? ''])
  }
  return found
}

/** Ports that something listens on, but for the supervisor's own. */
export async function listPorts(own: number): Promise<{ port: number; process: string | null }[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')))
  const ports = new Map<number, string[]>()
  for (const table of tables) for (const [port, inodes] of listenersIn(table)) ports.set(port, [...(ports.get(port) ?? []), ...inodes])
  ports.delete(own)
  const owners = await ownersOf(new Set([...ports.values()].flat()))
  return [...ports]
    .map(([port, inodes]) => ({ port, process: inodes.map((inode) => owners.get(inode)).find((name) => name !== undefined) ?? null }))
    .sort((one, other) => one.port - other.port)
}

/** Names of processes by the inodes of their sockets. What may not be looked at stays unknown. */
async function ownersOf(inodes: ReadonlySet<string>): Promise<Map<string, string>> {
  const owners = new Map<string, string>()
  if (inodes.size === 0) return owners
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (owners.size === inodes.size) break
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))?.[1]
      if (inode === undefined || !inodes.has(inode)) continue
      owners.set(inode, (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim())
    }
  }
  return owners
}

/** A connection to a server in the session, on whichever of its own addresses it listens. */
export async function connectTo(port: number): Promise<Socket> {
  try {
    return await open(port, '127.0.0.1')
  } catch {
    return open(port, '::1')
  }
}

function open(port: number, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
