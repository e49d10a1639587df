import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'

/** The process that listens on a TCP port of this machine, by /proc; null when that cannot be told. */
function listenerOf(port: number): string | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const row of readIfThere(table).split('\n')) {
      const fields = row.trim().split(/\s+/)
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A' && fields[9]) inodes.add(`socket:[${fields[9]}]`)
    }
  }
  if (inodes.size === 0) return null
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (descriptorsOf(pid).some((link) => inodes.has(link))) {
      return `process ${pid} (${readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 80)})`
    }
  }
  return null
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // A process may end between listing and reading; not knowing is an answer here.
    return ''
  }
}

function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

function canListen(port: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, address, () => server.close(() => resolve(true)))
  })
}

/** Throws naming what holds the port and the variable that changes it. */
export async function requireFree(port: number, address: string, variable: string): Promise<void> {
  if (await canListen(port, address)) return
  const holder = listenerOf(port) ?? 'another process'
  throw new Error(`port ${port} is taken by ${holder}: stop it, or choose another port with ${variable}=…`)
}

/** A loopback port that nobody has at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
